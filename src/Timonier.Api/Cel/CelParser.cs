namespace Timonier.Api.Cel;

/// <summary>A recursive-descent parser of the Common Expression Language; macros are opened up as it goes. Bounded in depth and size.</summary>
internal sealed class CelParser
{
    /// <summary>cel-go's bounds.</summary>
    private const int DepthMax = 250;
    private const int SourceMax = 100_000;

    private readonly CelLexer _lexer;
    private CelToken _token;
    private int _depth;

    private CelParser(string source)
    {
        _lexer = new CelLexer(source);
        _token = _lexer.Next();
    }

    /// <exception cref="CelLexer.SyntaxFault">The source is no expression.</exception>
    public static CelExpr Parse(string source)
    {
        if (source.Length > SourceMax)
            throw CelLexer.Fault(0, $"expression code point size exceeds limit: size: {source.Length}, limit {SourceMax}");
        var parser = new CelParser(source);
        var expression = parser.Expression();
        return parser._token.Kind == CelTokenKind.End ? expression : throw parser.Unexpected("<EOF>");
    }

    private CelLexer.SyntaxFault Unexpected(string expected) => CelLexer.Fault(_token.Position,
        _token.Kind == CelTokenKind.End ? "Syntax error: mismatched input '<EOF>' expecting " + expected : $"Syntax error: mismatched input '{_token.Text}' expecting {expected}");

    private bool Is(string symbol) => _token.Kind == CelTokenKind.Symbol && _token.Text == symbol;

    private bool Take(string symbol)
    {
        if (!Is(symbol))
            return false;
        _token = _lexer.Next();
        return true;
    }

    private void Expect(string symbol)
    {
        if (!Take(symbol))
            throw Unexpected($"'{symbol}'");
    }

    private CelToken Advance()
    {
        var token = _token;
        _token = _lexer.Next();
        return token;
    }

    private CelExpr Expression()
    {
        if (++_depth > DepthMax)
            throw CelLexer.Fault(_token.Position, $"expression recursion limit exceeded: {DepthMax}");
        var condition = Or();
        if (Is("?"))
        {
            var position = Advance().Position;
            var yes = Or();
            Expect(":");
            condition = new CallExpr(position, "_?_:_", null, [condition, yes, Expression()]);
        }
        _depth--;
        return condition;
    }

    private CelExpr Or() => Binary(And, "||");

    private CelExpr And() => Binary(Relation, "&&");

    private CelExpr Binary(Func<CelExpr> operand, params ReadOnlySpan<string> operators)
    {
        var left = operand();
        for (var links = 0; _token.Kind == CelTokenKind.Symbol && operators.Contains(_token.Text); links++)
        {
            // A chain nests to the left, one level per link; junctions are kept flat instead.
            var token = Advance();
            if (token.Text is "&&" or "||" && links > 0)
                ((CallExpr)left).Add(operand());
            else
                left = new CallExpr(token.Position, $"_{token.Text}_", null, [left, operand()]);
        }
        return left;
    }

    private CelExpr Relation()
    {
        var left = Addition();
        while (true)
        {
            if (_token.Kind == CelTokenKind.Symbol && _token.Text is "<" or "<=" or ">" or ">=" or "==" or "!=" && _token.Kind == CelTokenKind.Symbol)
            {
                var token = Advance();
                left = new CallExpr(token.Position, $"_{token.Text}_", null, [left, Addition()]);
            }
            else if (_token is { Kind: CelTokenKind.Identifier, Text: "in" })
            {
                var token = Advance();
                left = new CallExpr(token.Position, "@in", null, [left, Addition()]);
            }
            else
            {
                return left;
            }
        }
    }

    private CelExpr Addition() => Binary(Multiplication, "+", "-");

    private CelExpr Multiplication() => Binary(Unary, "*", "/", "%");

    private CelExpr Unary()
    {
        if (Is("!"))
        {
            var position = Advance().Position;
            return Deeper(() => new CallExpr(position, "!_", null, [Unary()]));
        }
        if (!Is("-"))
            return Member();
        var minus = Advance().Position;
        if (_token.Kind is CelTokenKind.Int or CelTokenKind.Double)
        {
            var literal = Advance();
            return Members(new LiteralExpr(minus, literal.Value switch { long number => (object)-number, double number => -number, _ => long.MinValue }));
        }
        return Deeper(() => new CallExpr(minus, "-_", null, [Unary()]));
    }

    private CelExpr Deeper(Func<CelExpr> parse)
    {
        if (++_depth > DepthMax)
            throw CelLexer.Fault(_token.Position, $"expression recursion limit exceeded: {DepthMax}");
        var result = parse();
        _depth--;
        return result;
    }

    private CelExpr Member() => Members(Primary());

    private CelExpr Members(CelExpr operand)
    {
        while (true)
        {
            if (Is(".") || Is(".?"))
            {
                var dot = Advance();
                var name = _token.Kind == CelTokenKind.Identifier ? Advance().Text : throw Unexpected("IDENTIFIER");
                if (dot.Text == "." && Is("("))
                    operand = CelMacros.Expand(Advance().Position, name, operand, Arguments(")"));
                else
                    operand = new SelectExpr(dot.Position, operand, name, isTest: false, isOptional: dot.Text == ".?");
            }
            else if (Is("[") || Is("[?"))
            {
                var bracket = Advance();
                var index = Expression();
                Expect("]");
                operand = new CallExpr(bracket.Position, bracket.Text == "[" ? "_[_]" : "_[?_]", null, [operand, index]);
            }
            else if ((Is("{") || Is("{?")) && TypeName(operand) is { } typeName)
            {
                operand = Struct(typeName, operand.Position);
            }
            else
            {
                return operand;
            }
        }
    }

    private static string? TypeName(CelExpr operand) => operand switch
    {
        IdentExpr ident => ident.Name,
        SelectExpr { IsTest: false, IsOptional: false } select when TypeName(select.Operand) is { } prefix => $"{prefix}.{select.Field}",
        _ => null,
    };

    private List<CelExpr> Arguments(string close)
    {
        var arguments = new List<CelExpr>();
        while (!Take(close))
        {
            if (arguments.Count > 0)
                Expect(",");
            if (arguments.Count > 0 && Take(close))
                break;
            arguments.Add(Expression());
        }
        return arguments;
    }

    private CelExpr Primary()
    {
        var token = _token;
        switch (token.Kind)
        {
            case CelTokenKind.Int when token.Value is ulong:
                throw CelLexer.Fault(token.Position, "invalid int literal");
            case CelTokenKind.Int or CelTokenKind.Uint or CelTokenKind.Double or CelTokenKind.String or CelTokenKind.Bytes:
                return new LiteralExpr(Advance().Position, token.Value);
            case CelTokenKind.Identifier:
                return Name(Advance());
        }
        if (Take("."))
            return _token.Kind == CelTokenKind.Identifier ? Name(Advance()) : throw Unexpected("IDENTIFIER");
        if (Take("("))
        {
            var inner = Expression();
            Expect(")");
            return inner;
        }
        if (Is("[") || Is("[?"))
            return ListLiteral();
        if (Is("{") || Is("{?"))
            return MapLiteral();
        throw Unexpected("{'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}");
    }

    private CelExpr Name(CelToken token)
    {
        switch (token.Text)
        {
            case "true": return new LiteralExpr(token.Position, true);
            case "false": return new LiteralExpr(token.Position, false);
            case "null": return new LiteralExpr(token.Position, null);
            case "in" or "as" or "break" or "const" or "continue" or "else" or "for" or "function" or "if" or "import" or "let" or "loop" or "package" or "namespace" or "return" or "var" or "void" or "while":
                throw CelLexer.Fault(token.Position, $"reserved identifier: {token.Text}");
        }
        if (!Is("("))
            return new IdentExpr(token.Position, token.Text);
        var position = Advance().Position;
        return CelMacros.Expand(position, token.Text, null, Arguments(")"));
    }

    private ListExpr ListLiteral()
    {
        var bracket = Advance();
        var items = new List<(CelExpr, bool)>();
        var optional = bracket.Text == "[?";
        while (!Take("]"))
        {
            if (items.Count > 0)
            {
                Expect(",");
                if (Take("]"))
                    break;
                optional = Take("?");
            }
            items.Add((Expression(), optional));
        }
        return new ListExpr(bracket.Position, items);
    }

    private MapExpr MapLiteral()
    {
        var brace = Advance();
        var entries = new List<(CelExpr, CelExpr, bool)>();
        var optional = brace.Text == "{?";
        while (!Take("}"))
        {
            if (entries.Count > 0)
            {
                Expect(",");
                if (Take("}"))
                    break;
                optional = Take("?");
            }
            var key = Expression();
            Expect(":");
            entries.Add((key, Expression(), optional));
        }
        return new MapExpr(brace.Position, entries);
    }

    private StructExpr Struct(string typeName, int position)
    {
        var optional = Advance().Text == "{?";
        var fields = new List<(string, CelExpr, bool)>();
        while (!Take("}"))
        {
            if (fields.Count > 0)
            {
                Expect(",");
                if (Take("}"))
                    break;
                optional = Take("?");
            }
            var name = _token.Kind == CelTokenKind.Identifier ? Advance().Text : throw Unexpected("IDENTIFIER");
            Expect(":");
            fields.Add((name, Expression(), optional));
        }
        return new StructExpr(position, typeName, fields);
    }
}

using Timonier.Api.Cel;
using Timonier.Api.Json;
using Timonier.Api.Yaml;

namespace Timonier.ApiServer.Authentication.Oidc;

/// <summary>An AuthenticationConfiguration file (apiserver.config.k8s.io/v1): issuers of tokens, and who may come without any.</summary>
/// <param name="AnonymousPaths">Null: anonymous requests are taken as the flags say; else those for these paths only.</param>
public sealed record AuthenticationConfiguration(IReadOnlyList<JwtIssuer> Issuers, bool? Anonymous, IReadOnlyList<string>? AnonymousPaths)
{
    /// <summary>Asymmetric ones, all of them: a configuration file names none.</summary>
    private static readonly string[] AllAlgorithms = ["RS256", "RS384", "RS512", "ES256", "ES384", "ES512", "PS256", "PS384", "PS512"];

    private static readonly CelEnvironment Claims = new([("claims", CelType.Dyn)]);
    private static readonly CelEnvironment User = new([("user", CelType.Dyn)]);

    /// <exception cref="FormatException">No such configuration, with the field that is wrong.</exception>
    public static AuthenticationConfiguration Parse(string text)
    {
        if (YamlReader.Read(text) is not JsonMap config || config.GetString("kind") != "AuthenticationConfiguration" || config.GetString("apiVersion") is not ("apiserver.config.k8s.io/v1" or "apiserver.config.k8s.io/v1beta1" or "apiserver.config.k8s.io/v1alpha1"))
            throw new FormatException("an AuthenticationConfiguration of apiserver.config.k8s.io/v1 is wanted");
        var anonymous = config.GetMap("anonymous");
        var paths = anonymous?.GetList("conditions")?.OfType<JsonMap>().Select(c => c.GetString("path") ?? "").ToList();
        if (paths is not null && anonymous!.GetBool("enabled") != true)
            throw new FormatException($"anonymous.conditions: Invalid value: {System.Text.Encoding.UTF8.GetString(JsonEncoder.Encode(anonymous["conditions"]))}: enabled should be set to true when conditions are defined");
        return new AuthenticationConfiguration([.. Maps(config, "jwt").Select((jwt, i) => Issuer(jwt, $"jwt[{i}]"))], anonymous?.GetBool("enabled"), paths);
    }

    private static JwtIssuer Issuer(JsonMap jwt, string at)
    {
        var issuer = jwt.GetMap("issuer") ?? [];
        var mappings = jwt.GetMap("claimMappings") ?? [];
        var url = issuer.GetString("url") ?? "";
        if (!url.StartsWith("https://", StringComparison.Ordinal))
            throw new FormatException($"{at}.issuer.url: URL scheme must be https");
        var audiences = (issuer.GetList("audiences") ?? []).OfType<string>().ToList();
        if (audiences.Count == 0)
            throw new FormatException($"{at}.issuer.audiences: Required value: at least one of issuer.audiences is required");
        var rules = Maps(jwt, "claimValidationRules").ToList();
        return new JwtIssuer
        {
            Url = url, DiscoveryUrl = issuer.GetString("discoveryURL") ?? "", Audiences = audiences, CertificateAuthority = issuer.GetString("certificateAuthority") ?? "", Algorithms = AllAlgorithms,
            RequiredClaims = rules.Where(r => r.GetString("claim") is { Length: > 0 }).ToDictionary(r => r.GetString("claim")!, r => r.GetString("requiredValue") ?? ""),
            ClaimRules = Rules(rules, Claims, $"{at}.claimValidationRules"),
            UserRules = Rules(Maps(jwt, "userValidationRules"), User, $"{at}.userValidationRules"),
            Username = Mapping(mappings, "username", at) ?? throw new FormatException($"{at}.claimMappings.username: Required value: claim or expression is required"),
            Groups = Mapping(mappings, "groups", at),
            Uid = Mapping(mappings, "uid", at),
            Extra = [.. Maps(mappings, "extra").Select(e => (e.GetString("key") ?? "", Compile(e.GetString("valueExpression") ?? "", Claims, null, $"{at}.claimMappings.extra")))],
        };
    }

    private static ClaimMapping? Mapping(JsonMap mappings, string name, string at)
    {
        if (mappings.GetMap(name) is not { } mapping)
            return null;
        if (mapping.GetString("expression") is { Length: > 0 } expression)
            return new ClaimMapping("", "", Compile(expression, Claims, null, $"{at}.claimMappings.{name}.expression"));
        if (mapping.GetString("claim") is not { Length: > 0 } claim)
            return null;
        if (name != "uid" && mapping.GetString("prefix") is null)
            throw new FormatException($"{at}.claimMappings.{name}.prefix: Required value: prefix is required when claim is set. It can be set to an empty string to disable prefixing");
        return new ClaimMapping(claim, mapping.GetString("prefix") ?? "");
    }

    private static List<(CelProgram, string)> Rules(IEnumerable<JsonMap> rules, CelEnvironment environment, string at) =>
        [.. rules.Where(r => r.GetString("expression") is { Length: > 0 }).Select(r => (Compile(r.GetString("expression")!, environment, CelType.Bool, at), r.GetString("message") ?? ""))];

    private static CelProgram Compile(string expression, CelEnvironment environment, CelType? type, string at)
    {
        try
        {
            return CelProgram.Compile(expression, environment, type);
        }
        catch (CelException e)
        {
            throw new FormatException($"{at}: {e.Message}", e);
        }
    }

    private static IEnumerable<JsonMap> Maps(JsonMap map, string key) => (map.GetList(key) ?? []).OfType<JsonMap>();
}

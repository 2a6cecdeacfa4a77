using Timonier.Bench;

// bench create|watch URL TOKEN [--NAME VALUE]...   See bench/api.sh.
var options = new Options(args);
switch (args[0])
{
    case "create": await new Creates(options).RunAsync(); return 0;
    case "watch": await new Watches(options).RunAsync(); return 0;
    default: Console.Error.WriteLine("bench: no such part: " + args[0]); return 2;
}

using System.Globalization;

namespace UsageLogsSite.Benchmarks.Writers;

/// <summary>What to measure of writers.</summary>
internal sealed record WritersOptions
{
    /// <summary>Names of designs, the bare tables first.</summary>
    public IReadOnlyList<string> Variants { get; init; } = [.. Variant.All.Select(v => v.Name)];

    /// <summary>Numbers of concurrent clients.</summary>
    public IReadOnlyList<int> Clients { get; init; } = [1, 8, 32];

    /// <summary>Turns of each variant.</summary>
    public int Rounds { get; init; } = 3;

    /// <summary>Length of a turn, or of the hold, in seconds.</summary>
    public int Seconds { get; init; } = 4;

    /// <summary>Commits a second of the hold.</summary>
    public int Rate { get; init; } = 5_000;

    /// <summary>Number of users that are written to.</summary>
    public int Users { get; init; } = 10_000;

    /// <summary>Whether PostgreSQL runs as it comes, and not with the buffers of a server.</summary>
    public bool IsStock { get; init; }

    /// <summary>Reads the command line; null if it cannot be read.</summary>
    internal static WritersOptions? TryParse(string[] arguments, WritersOptions defaults)
    {
        var options = defaults;
        for (var i = 0; i + 1 < arguments.Length; i += 2)
        {
            var value = arguments[i + 1];
            var isNumber = int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number > 0;
            switch (arguments[i])
            {
                case "--variants" when value.Split(',').All(v => Variant.All.Any(a => a.Name == v)):
                    options = options with { Variants = value.Split(',') };
                    break;
                case "--clients" when value.Split(',').All(v => int.TryParse(v, NumberStyles.None, CultureInfo.InvariantCulture, out var n) && n is > 0 and <= 200):
                    options = options with { Clients = [.. value.Split(',').Select(v => int.Parse(v, CultureInfo.InvariantCulture))] };
                    break;
                case "--rounds" when isNumber:
                    options = options with { Rounds = number };
                    break;
                case "--seconds" when isNumber:
                    options = options with { Seconds = number };
                    break;
                case "--rate" when isNumber:
                    options = options with { Rate = number };
                    break;
                case "--users" when isNumber:
                    options = options with { Users = number };
                    break;
                case "--server" when value is "tuned" or "stock":
                    options = options with { IsStock = value == "stock" };
                    break;
                default:
                    return null;
            }
        }

        return arguments.Length % 2 == 0 ? options : null;
    }
}

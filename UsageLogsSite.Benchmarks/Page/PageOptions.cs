using System.Globalization;

namespace UsageLogsSite.Benchmarks.Page;

/// <summary>What to measure of the page.</summary>
internal sealed record PageOptions
{
    /// <summary>Numbers of usage logs; a database is loaded for each.</summary>
    public IReadOnlyList<int> Logs { get; init; } = [1_000_000];

    /// <summary>Number of users.</summary>
    public int Users { get; init; } = 100_000;

    /// <summary>Times that each question is asked of us.</summary>
    public int Rounds { get; init; } = 30;

    /// <summary>Times that each question is asked of the other designs, which take long; zero leaves them out.</summary>
    public int RivalRounds { get; init; } = 3;

    /// <summary>Where loaded databases are kept for the next run; null to drop them.</summary>
    public string? Directory { get; init; }

    /// <summary>Reads the command line; null if it cannot be read.</summary>
    internal static PageOptions? TryParse(string[] arguments)
    {
        var options = new PageOptions();
        for (var i = 0; i + 1 < arguments.Length; i += 2)
        {
            var value = arguments[i + 1];
            var isNumber = int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var number);
            switch (arguments[i])
            {
                case "--logs" when value.Split(',').All(v => int.TryParse(v, NumberStyles.None, CultureInfo.InvariantCulture, out var n) && n > 0):
                    options = options with { Logs = [.. value.Split(',').Select(v => int.Parse(v, CultureInfo.InvariantCulture))] };
                    break;
                case "--users" when isNumber && number > 0:
                    options = options with { Users = number };
                    break;
                case "--rounds" when isNumber && number > 0:
                    options = options with { Rounds = number };
                    break;
                case "--rival-rounds" when isNumber:
                    options = options with { RivalRounds = number };
                    break;
                case "--keep":
                    options = options with { Directory = value };
                    break;
                default:
                    return null;
            }
        }

        return arguments.Length % 2 == 0 ? options : null;
    }
}

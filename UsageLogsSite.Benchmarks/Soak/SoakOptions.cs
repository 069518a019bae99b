using System.Globalization;

namespace UsageLogsSite.Benchmarks.Soak;

/// <summary>How long and how hard to soak.</summary>
internal sealed record SoakOptions
{
    /// <summary>Length of the load.</summary>
    public TimeSpan Length { get; init; } = TimeSpan.FromMinutes(30);

    /// <summary>Time between the beginnings of two faults.</summary>
    public TimeSpan FaultEvery { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>Open pages.</summary>
    public int Viewers { get; init; } = 500;

    /// <summary>Rows written in a second.</summary>
    public int Rate { get; init; } = 500;

    /// <summary>Reads the command line; null if it cannot be read.</summary>
    internal static SoakOptions? TryParse(string[] arguments)
    {
        var options = new SoakOptions();
        for (var i = 0; i + 1 < arguments.Length; i += 2)
        {
            if (!int.TryParse(arguments[i + 1], NumberStyles.None, CultureInfo.InvariantCulture, out var number) || number == 0)
                return null;
            switch (arguments[i])
            {
                case "--seconds":
                    options = options with { Length = TimeSpan.FromSeconds(number) };
                    break;
                case "--fault-every":
                    options = options with { FaultEvery = TimeSpan.FromSeconds(number) };
                    break;
                case "--viewers":
                    options = options with { Viewers = number };
                    break;
                case "--rate":
                    options = options with { Rate = number };
                    break;
                default:
                    return null;
            }
        }

        return arguments.Length % 2 == 0 ? options : null;
    }
}

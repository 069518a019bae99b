using System.Globalization;

namespace UsageLogsSite.Benchmarks.Support;

/// <summary>The system's limit of open files, which bounds the connections of one process.</summary>
internal static class Descriptors
{
    private const int Reserve = 500;

    /// <summary>Connections that a process may have beside those of its viewers.</summary>
    internal static int Left(int viewers) => Math.Max(1, Limit() - viewers - Reserve);

    private static int Limit()
    {
        var line = File.ReadLines("/proc/self/limits").First(l => l.StartsWith("Max open files", StringComparison.Ordinal));
        var hard = line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[4]; // .NET raises its soft limit to it
        return int.TryParse(hard, CultureInfo.InvariantCulture, out var limit) ? limit : int.MaxValue / 2;
    }
}

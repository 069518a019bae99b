namespace UsageLogsSite.Tests.Support;

/// <summary>How thorough this run is: <c>./test.sh --long</c> sets the variable.</summary>
internal static class Run
{
    public static bool IsLong { get; } = Environment.GetEnvironmentVariable("USAGE_TESTS_LONG") == "1";
}

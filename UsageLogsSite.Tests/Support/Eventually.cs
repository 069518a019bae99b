using System.Diagnostics;

namespace UsageLogsSite.Tests.Support;

/// <summary>Waits for conditions, generously: a slow machine must not fail a test.</summary>
internal static class Eventually
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(10);

    internal static Task TrueAsync(Func<bool> condition, string what) => TrueAsync(() => Task.FromResult(condition()), what);

    internal static Task TrueAsync(Func<Task<bool>> condition, string what) => TrueAsync(condition, () => what);

    /// <param name="condition">What must come to be true.</param>
    /// <param name="what">Says, at the end, what did not.</param>
    internal static async Task TrueAsync(Func<Task<bool>> condition, Func<string> what)
    {
        var start = Stopwatch.GetTimestamp();
        while (!await condition())
        {
            Assert.True(Stopwatch.GetElapsedTime(start) < Limit, $"Waited {Limit.TotalSeconds} s in vain until {what()}.");
            await Task.Delay(Step, TestContext.Current.CancellationToken);
        }
    }
}

using System.Diagnostics;
using System.Globalization;
using UsageLogsSite.Benchmarks.Support;
using UsageLogsSite.Tests.Support;

namespace UsageLogsSite.Benchmarks.Soak;

/// <summary>What goes wrong, one after the other: between site and database, between viewers and site, and with either of them.</summary>
/// <param name="database">The database.</param>
/// <param name="toDatabase">What the watched site reaches the database by.</param>
/// <param name="toSite">What viewers reach the watched site by.</param>
/// <param name="restartOther">Kills the other instance, and starts it again.</param>
internal sealed class Faults(Database database, FaultProxy toDatabase, FaultProxy toSite, Func<CancellationToken, Task> restartOther)
{
    private static readonly TimeSpan Short = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan Long = TimeSpan.FromSeconds(8);

    private IReadOnlyList<(string Name, Func<CancellationToken, Task> Make)> All =>
    [
        ("all of the sites' connections terminated", TerminateAsync),
        ("viewers cut off for 2 s", c => DoAsync(toSite, Fault.Cut, Short, c)),
        ("database cut off for 8 s", c => DoAsync(toDatabase, Fault.Cut, Long, c)),
        ("other instance killed and started", restartOther),
        ("database silent for 8 s", c => DoAsync(toDatabase, Fault.BlackHole, Long, c)),
        ("viewers' network silent for 8 s", c => DoAsync(toSite, Fault.BlackHole, Long, c)),
        ("PostgreSQL crashed", CrashAsync),
        ("database half a second away for 8 s", c => DoAsync(toDatabase, Fault.Delay, Long, c)),
    ];

    /// <summary>Makes faults in turn until it is cancelled.</summary>
    /// <param name="log">Where they are noted.</param>
    /// <param name="every">The time between the beginnings of two.</param>
    /// <param name="cancellation">Ends it, but for a fault that has begun.</param>
    internal async Task RunAsync(FaultLog log, TimeSpan every, CancellationToken cancellation)
    {
        for (var i = 0; ; i++)
        {
            await Task.Delay(every / 2, cancellation);
            var (name, make) = All[i % All.Count];
            var start = Stopwatch.GetTimestamp();
            await log.MakeAsync(name, () => make(CancellationToken.None));
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{DateTime.UtcNow:HH:mm:ss} {name} ({Stopwatch.GetElapsedTime(start).TotalSeconds:0.0} s)"));
            var rest = every / 2 - Stopwatch.GetElapsedTime(start);
            if (rest > TimeSpan.Zero)
                await Task.Delay(rest, cancellation);
        }
    }

    private static async Task DoAsync(FaultProxy proxy, Fault fault, TimeSpan length, CancellationToken cancellation)
    {
        proxy.Set(fault);
        await Task.Delay(length, cancellation);
        proxy.Set(Fault.None);
    }

    private Task TerminateAsync(CancellationToken cancellation) =>
        database.ExecuteAsync("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'UsageLogsSite %'", cancellation);

    /// <summary>One server process that dies takes all others along: what they share may be spoilt. The server recovers as after a power cut.</summary>
    private async Task CrashAsync(CancellationToken cancellation)
    {
        await using (var connection = await database.DataSource.OpenConnectionAsync(cancellation))
        {
            using var victim = Process.GetProcessById(connection.ProcessID);
            victim.Kill();
            await victim.WaitForExitAsync(cancellation);
        }

        database.DataSource.Clear();
    }
}

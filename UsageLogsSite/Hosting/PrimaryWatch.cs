using Npgsql;
using UsageLogsSite.Data;

namespace UsageLogsSite.Hosting;

/// <summary>
/// Where there are several hosts, looks beside the readers whether each way still leads to a primary, and whether another server was promoted:
/// what Npgsql once found of a host it believes for a minute, so that readers seldom wait for a silent one.
/// </summary>
internal sealed class PrimaryWatch(Databases databases, TimeProvider time) : BackgroundService
{
    /// <summary>Takes a connection out of its pool and puts it back: nothing is asked.</summary>
    private static readonly TimeSpan TryWays = TimeSpan.FromSeconds(2);

    /// <summary>Asks each host one thing, on a connection of its own.</summary>
    private static readonly TimeSpan SeePrimaries = TimeSpan.FromSeconds(10);

    /// <inheritdoc />
    protected override Task ExecuteAsync(CancellationToken stoppingToken) => databases.Ways.Count == 0
        ? Task.CompletedTask
        : Task.WhenAll(
            RepeatAsync(TryWays, () => Task.WhenAll(databases.Ways.Select(way => TryAsync(way, stoppingToken))), stoppingToken),
            RepeatAsync(SeePrimaries, () => databases.SeePrimariesAsync(stoppingToken), stoppingToken));

    private async Task RepeatAsync(TimeSpan period, Func<Task> act, CancellationToken stopped)
    {
        using var timer = new PeriodicTimer(period, time);
        while (await timer.WaitForNextTickAsync(stopped))
            await act();
    }

    private async Task TryAsync(NpgsqlDataSource way, CancellationToken stopped)
    {
        try
        {
            await using var connection = await way.OpenConnectionAsync(stopped);
        }
        catch (Exception e) when (DatabaseFailure.Is(e))
        {
            databases.Timeline.Forget();
        }
    }
}

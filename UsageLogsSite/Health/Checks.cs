using System.Globalization;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;
using OpenTelemetry;
using UsageLogsSite.Data;
using UsageLogsSite.Hosting;
using UsageLogsSite.Live;
using UsageLogsSite.Queries;
using UsageLogsSite.Rollup;

namespace UsageLogsSite.Health;

/// <summary>The database answers on a connection of pages; one that has died in the pool meanwhile is not held against it.</summary>
internal sealed class DatabaseCheck(Databases databases) : IHealthCheck
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);

    /// <summary>For the answer, once the primary is found among several hosts.</summary>
    private static readonly TimeSpan Answer = TimeSpan.FromSeconds(1);

    /// <inheritdoc />
    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        using var untraced = SuppressInstrumentationScope.Begin();
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var search = databases.LongestSearch + Answer;
        patience.CancelAfter(search > Patience ? search : Patience);
        try
        {
            await ConnectionRetry.RunAsync(databases.Admin, async () =>
            {
                await using var command = databases.Admin.CreateCommand("SELECT 1");
                return await command.ExecuteScalarAsync(patience.Token);
            });
            return HealthCheckResult.Healthy("answers");
        }
        catch (Exception e) when (DatabaseFailure.Is(e) || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            return HealthCheckResult.Unhealthy("does not answer");
        }
    }
}

/// <summary>Changes are heard: without that, pages would not update.</summary>
internal sealed class ListenerCheck(ListenerStatus listener) : IHealthCheck
{
    /// <inheritdoc />
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        var since = listener.Since.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);
        return Task.FromResult(listener.IsFollowing
            ? HealthCheckResult.Healthy($"follows changes since {since}")
            : HealthCheckResult.Unhealthy($"is connecting since {since}: pages would not update"));
    }
}

/// <summary>Totals are up to date, as far as this instance has to see to it.</summary>
internal sealed class FoldCheck(RollupStatus rollup, IOptions<HealthOptions> options) : IHealthCheck
{
    /// <inheritdoc />
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        var most = options.Value.MaxFoldLag;
        return Task.FromResult(rollup.Lag switch
        {
            null => HealthCheckResult.Healthy("is not this instance's duty"),
            { } lag when lag > most => HealthCheckResult.Unhealthy(string.Create(
                CultureInfo.InvariantCulture, $"is {lag.TotalSeconds:0} s behind, more than {most.TotalSeconds:0.#} s: totals are old")),
            _ when rollup.CopyingFailsFor is { } failing && failing > most => HealthCheckResult.Unhealthy(string.Create(
                CultureInfo.InvariantCulture, $"could copy nothing from attached tables for {failing.TotalSeconds:0} s: totals are old, and the log says why")),
            _ => HealthCheckResult.Healthy("is up to date"),
        });
    }
}

/// <summary>The site is not about to stop.</summary>
internal sealed class StopCheck(IHostApplicationLifetime lifetime) : IHealthCheck
{
    /// <inheritdoc />
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
        Task.FromResult(lifetime.ApplicationStopping.IsCancellationRequested ? HealthCheckResult.Unhealthy("is stopping") : HealthCheckResult.Healthy("runs"));
}

using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace UsageLogsSite.Health;

/// <summary>Whether the site can serve, worked out once a second at most, however many ask; but that it stops, it says at once.</summary>
internal sealed class Readiness(HealthCheckService checks, IHostApplicationLifetime lifetime, TimeProvider time)
{
    private static readonly TimeSpan Lifetime = TimeSpan.FromSeconds(1);

    private readonly Lock _gate = new();
    private Task<HealthReport>? _report;
    private long _madeAt;
    private bool _madeStopping;

    /// <summary>Answers a request: 200, or 503 with the reasons in words. Neither tells versions, addresses or errors' texts.</summary>
    internal async Task AnswerAsync(HttpContext http)
    {
        var report = await ReportAsync().WaitAsync(http.RequestAborted);
        var isReady = report.Status == HealthStatus.Healthy;
        http.Response.StatusCode = isReady ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable;
        http.Response.Headers.CacheControl = "no-store";
        await http.Response.WriteAsJsonAsync(
            new
            {
                status = isReady ? "ready" : "not ready",
                why = report.Entries.Where(e => e.Value.Status != HealthStatus.Healthy).Select(e => Sentence(e.Key, e.Value)).ToArray(),
                checks = report.Entries.ToDictionary(e => e.Key, e => e.Value.Description ?? "failed"),
            },
            http.RequestAborted);
    }

    private static string Sentence(string name, HealthReportEntry entry) => $"The {name} {entry.Description ?? "check failed"}.";

    // Not bound to the request that came first: others wait for it too.
    private Task<HealthReport> ReportAsync()
    {
        var isStopping = lifetime.ApplicationStopping.IsCancellationRequested;
        lock (_gate)
        {
            if (_report is null || _madeStopping != isStopping || (_report.IsCompleted && time.GetElapsedTime(_madeAt) >= Lifetime))
                (_report, _madeAt, _madeStopping) = (checks.CheckHealthAsync(CancellationToken.None), time.GetTimestamp(), isStopping);
            return _report;
        }
    }
}

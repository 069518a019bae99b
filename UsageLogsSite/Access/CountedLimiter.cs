using System.Threading.RateLimiting;

namespace UsageLogsSite.Access;

/// <summary>A limit that counts what it refuses: of a chain of limits nobody else can tell which it was.</summary>
internal sealed class CountedLimiter(string name, PartitionedRateLimiter<HttpContext> limiter, LimitMetrics metrics) : PartitionedRateLimiter<HttpContext>
{
    /// <inheritdoc />
    public override RateLimiterStatistics? GetStatistics(HttpContext resource) => limiter.GetStatistics(resource);

    /// <inheritdoc />
    protected override RateLimitLease AttemptAcquireCore(HttpContext resource, int permitCount) => limiter.AttemptAcquire(resource, permitCount);

    // The middleware comes here when an attempt has failed: only now it is known that waiting does not help either.
    /// <inheritdoc />
    protected override ValueTask<RateLimitLease> AcquireAsyncCore(HttpContext resource, int permitCount, CancellationToken cancellationToken)
    {
        var asked = limiter.AcquireAsync(resource, permitCount, cancellationToken);
        return asked.IsCompletedSuccessfully ? new ValueTask<RateLimitLease>(Count(asked.Result)) : CountAsync(asked);
    }

    /// <inheritdoc />
    protected override void Dispose(bool disposing)
    {
        if (disposing)
            limiter.Dispose();
        base.Dispose(disposing);
    }

    private async ValueTask<RateLimitLease> CountAsync(ValueTask<RateLimitLease> asked) => Count(await asked);

    private RateLimitLease Count(RateLimitLease lease)
    {
        if (!lease.IsAcquired)
            metrics.Refused(name);
        return lease;
    }
}

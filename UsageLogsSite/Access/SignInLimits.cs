using System.Threading.RateLimiting;
using Microsoft.Extensions.Options;

namespace UsageLogsSite.Access;

/// <summary>How often one address, and whoever tries one e-mail address, may try to sign in.</summary>
internal sealed class SignInLimits : IDisposable
{
    private static readonly TimeSpan Window = TimeSpan.FromMinutes(1);

    private readonly PartitionedRateLimiter<string> _attempts;
    private readonly LimitMetrics _metrics;

    public SignInLimits(IOptions<LimitOptions> options, LimitMetrics metrics)
    {
        _metrics = metrics;
        var perMinute = options.Value.SignInsPerMinute;
        _attempts = PartitionedRateLimiter.Create<string, string>(who => RateLimitPartition.GetFixedWindowLimiter(
            who, _ => new FixedWindowRateLimiterOptions { PermitLimit = perMinute, Window = Window, QueueLimit = 0, AutoReplenishment = false }));
    }

    /// <summary>Counts an attempt.</summary>
    /// <returns>How long to wait before the next; null if this one may go on.</returns>
    internal TimeSpan? Refuse(HttpContext http, string email) =>
        Refuse($"address {ClientId.NetworkOf(http)}") ?? Refuse($"account {KeyOf(email)}");

    /// <summary>What is too long for an address is nobody's, and is not kept.</summary>
    private static string KeyOf(string email) => email.Length > Accounts.LongestEmail ? "" : email.Trim().ToUpperInvariant();

    /// <inheritdoc />
    public void Dispose() => _attempts.Dispose();

    private TimeSpan? Refuse(string who)
    {
        using var lease = _attempts.AttemptAcquire(who);
        if (lease.IsAcquired)
            return null;
        _metrics.Refused("sign-ins");
        return lease.TryGetMetadata(MetadataName.RetryAfter, out var wait) ? wait : Window;
    }
}

using System.Diagnostics;

namespace UsageLogsSite.Telemetry;

/// <summary>The site's own spans: folds, hints, refreshes, alert checks, webhooks. Without an exporter nobody listens, and none is made.</summary>
internal static class Traces
{
    internal const string SourceName = "UsageLogsSite";

    internal static readonly ActivitySource Source = new(SourceName);

    /// <summary>Keeps a span from being exported: it turned out to be about nothing.</summary>
    internal static void Forget(this Activity? span)
    {
        if (span is not null)
            span.ActivityTraceFlags &= ~ActivityTraceFlags.Recorded;
    }

    /// <summary>Says why what a span is about failed: by the kind of error, as its message may hold what nobody should read.</summary>
    internal static void Fail(this Activity? span, Exception exception)
    {
        span?.SetTag("error.type", exception.GetBaseException().GetType().FullName);
        span?.SetStatus(ActivityStatusCode.Error);
    }
}

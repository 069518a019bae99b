using System.Collections.Concurrent;
using System.Diagnostics;
using Microsoft.Extensions.DependencyInjection;
using OpenTelemetry;
using OpenTelemetry.Trace;

namespace UsageLogsSite.Tests.Telemetry;

/// <summary>Keeps all spans that a site exports; those of other sites that run meanwhile come along.</summary>
internal sealed class Spans : BaseExporter<Activity>
{
    private readonly ConcurrentQueue<Activity> _spans = new();

    internal IReadOnlyList<Activity> All => [.. _spans];

    internal IReadOnlyList<string> Routes => [.. All.Select(s => s.GetTagItem("http.route") as string).OfType<string>()];

    /// <summary>All that a span says.</summary>
    internal static string TextOf(Activity span) => string.Join('\n', [
        span.DisplayName, span.OperationName, span.StatusDescription, span.TraceStateString,
        .. span.TagObjects.Concat(span.Baggage.Select(b => new KeyValuePair<string, object?>(b.Key, b.Value))).Concat(span.Events.SelectMany(e => e.Tags)).Select(t => $"{t.Key}={t.Value}")]);

    public override ExportResult Export(in Batch<Activity> batch)
    {
        foreach (var span in batch)
            _spans.Enqueue(span);
        return ExportResult.Success;
    }

    internal void Use(IServiceCollection services) =>
        services.ConfigureOpenTelemetryTracerProvider(tracing => tracing.AddProcessor(new SimpleActivityExportProcessor(this)));
}

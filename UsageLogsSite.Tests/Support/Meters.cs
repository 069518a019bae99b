using System.Diagnostics.Metrics;

namespace UsageLogsSite.Tests.Support;

/// <summary>Meters that nobody reads, for parts that are tested without a site.</summary>
internal sealed class Meters : IMeterFactory
{
    internal static readonly Meters Unread = new();

    public Meter Create(MeterOptions options) => new(options);

    public void Dispose()
    {
    }
}

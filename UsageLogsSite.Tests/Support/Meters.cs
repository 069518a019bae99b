using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;

namespace UsageLogsSite.Tests.Support;

/// <summary>Meters that nobody reads, for parts that are tested without a site; and what listens to one of a site's.</summary>
internal sealed class Meters : IMeterFactory
{
    internal static readonly Meters Unread = new();

    /// <summary>Listens to a meter of this site alone, once it is told what to call and started.</summary>
    internal static MeterListener ListenTo(Site site, string meter)
    {
        var meters = site.Services.GetRequiredService<IMeterFactory>();
        return new MeterListener
        {
            InstrumentPublished = (instrument, listener) =>
            {
                if (instrument.Meter.Scope == meters && instrument.Meter.Name == meter)
                    listener.EnableMeasurementEvents(instrument);
            },
        };
    }

    public Meter Create(MeterOptions options) => new(options);

    public void Dispose()
    {
    }
}

using Microsoft.Extensions.Options;
using UsageLogsSite.Live;

namespace UsageLogsSite.Alerts;

/// <summary>What there is to look after, as this instance hears it. Only the elected one does something about it.</summary>
internal sealed class AlertSignals(IOptions<AlertOptions> options, TimeProvider time)
{
    /// <summary>The channel on which PostgreSQL tells of new rules, alerts and deliveries.</summary>
    internal const string Channel = "usage_alerts";

    private int _haveRulesChanged = 1;

    /// <summary>Something changed that rules may watch, or a rule did.</summary>
    internal Debouncer Changes { get; } = new(time, TimeSpan.Zero, options.Value.Interval);

    /// <summary>Something is to be posted.</summary>
    internal Debouncer Deliveries { get; } = new(time, TimeSpan.Zero, TimeSpan.Zero);

    /// <summary>Hears what PostgreSQL tells. It is a hint that anybody may send: all it can do is to have the database asked.</summary>
    /// <returns>Whether an alert fired.</returns>
    internal bool Hear(string payload)
    {
        if (payload == "fired")
            return true;
        if (payload == "queued")
            Deliveries.Signal();
        else
            Recheck();
        return false;
    }

    /// <summary>Anything may have been missed: everything is looked at again.</summary>
    internal void Recheck()
    {
        Interlocked.Exchange(ref _haveRulesChanged, 1);
        Changes.Signal();
        Deliveries.Signal();
    }

    /// <summary>Whether rules may have changed since the last call.</summary>
    internal bool TakeRulesChanged() => Interlocked.Exchange(ref _haveRulesChanged, 0) != 0;
}

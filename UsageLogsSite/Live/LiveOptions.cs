using System.ComponentModel.DataAnnotations;

namespace UsageLogsSite.Live;

/// <summary>How live updates are paced: section <c>Live</c> of the settings.</summary>
internal sealed class LiveOptions
{
    /// <summary>The least time between two updates of a filter set.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "00:10:00", ErrorMessage = "Live:Debounce is {0}; allowed is 00:00:00 to 00:10:00, such as 00:00:00.500.")]
    public TimeSpan Debounce { get; set; } = TimeSpan.FromMilliseconds(500);

    /// <summary>How long a first change waits for others, so that a burst becomes one update.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "00:10:00", ErrorMessage = "Live:Settle is {0}; allowed is 00:00:00 to 00:10:00, such as 00:00:00.050.")]
    public TimeSpan Settle { get; set; } = TimeSpan.FromMilliseconds(50);

    /// <summary>How often a quiet stream says that it is alive.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:05:00", ErrorMessage = "Live:Heartbeat is {0}; allowed is 00:00:01 to 00:05:00, such as 00:00:10.")]
    public TimeSpan Heartbeat { get; set; } = TimeSpan.FromSeconds(10);
}

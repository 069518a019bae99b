using UsageLogsSite.Hosting;

namespace UsageLogsSite.Access;

/// <summary>How long browsers stay signed in: section <c>Sessions</c> of the settings.</summary>
internal sealed class SessionsOptions
{
    /// <summary>How long a session lasts without a page being opened; a page opened in its second half begins it anew.</summary>
    [Allowed("Sessions", "00:00:02", "365.00:00:00")]
    public TimeSpan Lifetime { get; set; } = TimeSpan.FromDays(7);
}

using System.Diagnostics;
using OpenTelemetry;

namespace UsageLogsSite.Telemetry;

/// <summary>
/// Leaves of an address only what the program itself has written: the route of a request, never its path or query, which may sign
/// somebody in, open a widget or say who is searched for; the host of what the site asks, never where it leads there.
/// </summary>
internal sealed class AddressRedaction : BaseProcessor<Activity>
{
    /// <inheritdoc />
    public override void OnEnd(Activity data)
    {
        if (data.GetTagItem("url.path") is not null)
            data.SetTag("url.path", data.GetTagItem("http.route"));
        data.SetTag("url.query", null);
        if (data.GetTagItem("url.full") is string full)
            data.SetTag("url.full", Uri.TryCreate(full, UriKind.Absolute, out var uri) ? uri.GetLeftPart(UriPartial.Authority) : null);
    }
}

using System.Diagnostics;
using System.Text.RegularExpressions;
using Microsoft.Extensions.DependencyInjection;
using UsageLogsSite.Access;
using UsageLogsSite.Data;
using UsageLogsSite.Tests.Support;

namespace UsageLogsSite.Tests.Telemetry;

/// <summary>Traces lead from a change to its event, and tell nobody what opens a widget or signs somebody in.</summary>
public sealed partial class TracesTests(PostgresCluster cluster) : SiteTest(cluster)
{
    private const string Sought = "sought-9f2c";
    private const string Code = "code-71d0aa";

    [Fact]
    public async Task Secrets_of_addresses_reach_no_span_and_no_log()
    {
        var ann = await Database.AddUserAsync("Ann");
        var spans = new Spans();
        await using var receiver = await OtlpReceiver.StartAsync();
        await using var site = await Site.StartAsync(Database, receiver.Settings, spans.Use);
        var widget = (await site.AddWidgetAsync()).Path;
        var viewer = (await site.AddViewerWidgetAsync()).PathOf(ann);
        var link = site.Services.GetRequiredService<SignInLinks>().Create((await site.AddAccountAsync(AccountRole.Analyst)).Id);
        var madeUp = new string('x', 20) + new string('y', 23);

        foreach (var address in new[]
        {
            widget, widget + "/table", widget + "/TABLE", viewer, viewer + "/table", "/embed/" + madeUp, "/EMBED/" + madeUp, "/x/../embed/" + madeUp,
            link, link + "/more", "/account/link/" + madeUp, "/account/provider/callback?state=" + Code + "&code=" + Code, "/nothing/" + madeUp, "/nothing?" + Code,
            "/usage?q=" + Sought, "/usage/table?q=" + Sought, "/usage/export.csv?q=" + Sought, "/usage/logs.csv?q=" + Sought, $"/users/{ann}/export.csv?x=" + Code,
        })
        {
            using var answer = await site.Http.GetAsync(new Uri(address, UriKind.Relative), Cancellation);
        }

        await using (var stream = await SseReader.OpenAsync(site, path: widget + "/events"))
            await stream.NextAsync();
        foreach (var route in new[] { "/embed/{**rest}", "account/link/{token}", "/usage/export.csv", "/usage/table" })
            await Eventually.TrueAsync(() => spans.Routes.Contains(route), $"{route} is traced");
        await receiver.ReceivedAsync("/v1/traces", "/usage/export.csv");

        string[] secrets = [widget["/embed/".Length..], viewer["/embed/".Length..], link["/account/link/".Length..], madeUp, Code];
        Assert.All(spans.All, span => Assert.All([.. secrets, Sought], secret => Assert.DoesNotContain(secret, Spans.TextOf(span), StringComparison.Ordinal)));
        Assert.All(secrets, secret => Assert.False(site.Logs.Says(secret), "A secret was logged."));
        Assert.All(secrets, secret => Assert.False(receiver.Holds(secret), "A secret was exported."));
        Assert.DoesNotContain(spans.Routes, route => route.EndsWith("/events", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_change_is_followed_from_its_fold_to_its_event()
    {
        var ann = await Database.AddUserAsync("Ann");
        var spans = new Spans();
        await using var receiver = await OtlpReceiver.StartAsync();
        await using var site = await Site.StartAsync(Database, receiver.Settings, spans.Use);
        await using var stream = await SseReader.OpenAsync(site);
        await stream.NextAsync();
        var before = site.Logs.Texts(1007).Count;
        await Database.AddLogAsync(ann);
        await stream.NextAsync();

        // The hint is the site's own, where spans may be another's.
        await Eventually.TrueAsync(() => site.Logs.Texts(1007).Count > before, "the hint is logged");
        var trace = Parent().Match(site.Logs.Texts(1007)[before]).Groups[1].Value;
        Activity? Find(string name) => spans.All.FirstOrDefault(s => s.TraceId.ToString() == trace && s.OperationName == name);
        await Eventually.TrueAsync(() => Find("usage-changed") is not null, "the event is traced");
        var (fold, hint, refresh, told) = (Find("fold"), Find("hint"), Find("refresh"), Find("usage-changed"));
        Assert.Equal(fold!.SpanId, hint!.ParentSpanId);
        Assert.Equal(hint.SpanId, refresh!.ParentSpanId);
        Assert.Equal(refresh.SpanId, told!.ParentSpanId);
        Assert.Contains(spans.All, s => s.ParentSpanId == refresh.SpanId && s.Source.Name == "Npgsql");
        Assert.DoesNotContain(spans.All, s => s.OperationName == "fold" && s.GetTagItem("usage_logs_site.fold.deltas") is 0L);
    }

    [GeneratedRegex("00-([0-9a-f]{32})-[0-9a-f]{16}-01")]
    private static partial Regex Parent();
}

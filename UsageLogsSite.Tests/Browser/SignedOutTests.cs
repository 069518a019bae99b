using Microsoft.Playwright;
using UsageLogsSite.Tests.Support;
using static Microsoft.Playwright.Assertions;

namespace UsageLogsSite.Tests.Browser;

/// <summary>A reader who is signed out is told so, keeps what is on the screen, and asks for nothing more.</summary>
public sealed class SignedOutTests(PostgresCluster cluster, Chromium chromium) : SiteTest(cluster)
{
    private const string Stream = "**/usage/events**";
    private const string Fragment = "**/usage/table**";

    private static readonly RouteFulfillOptions Unauthorised = new() { Status = 401, ContentType = "text/html", Body = "<p>Who are you?</p>" };
    private static readonly RouteFulfillOptions SessionEnded = new()
    {
        ContentType = "text/event-stream",
        Body = "event: heartbeat\ndata: opened\n\nevent: session-ended\ndata: signed-out\n\n",
    };

    [Theory]
    [InlineData("first connection")]
    [InlineData("reconnect")]
    [InlineData("session-ended")]
    [InlineData("fragment")]
    public async Task The_page_says_so_offers_to_sign_in_and_goes_silent_for_good(string where)
    {
        var ann = await Database.AddUserAsync("Ann");
        await using var site = await Site.StartAsync(Database, new() { ["Live:MaxStreamLifetime"] = "00:00:01" });
        await using var window = await chromium.OpenAsync(site, "/usage?type=external&sort=name");
        await window.LiveAsync();
        await window.Context.Clock.InstallAsync();
        var atOnce = where is "first connection" or "session-ended";
        if (atOnce)
            await window.Page.RouteAsync(Stream, route => route.FulfillAsync(where == "session-ended" ? SessionEnded : Unauthorised));
        await window.Page.ReloadAsync();
        if (!atOnce)
        {
            await window.LiveAsync();
            await window.Page.RouteAsync(where == "reconnect" ? Stream : Fragment, route => route.FulfillAsync(Unauthorised));
        }

        if (where == "fragment")
            await Database.AddLogAsync(ann);

        await AssertSignedOutAsync(window);
        await AssertSilentAsync(window);
        await Expect(window.Row(ann).Locator("td.requests")).ToHaveTextAsync("0");
    }

    [Fact]
    public async Task A_reader_who_has_signed_in_elsewhere_goes_on_by_a_click()
    {
        var ann = await Database.AddUserAsync("Ann");
        await using var site = await Site.StartAsync(Database, new() { ["Live:Heartbeat"] = "00:05:00" });
        await using var window = await chromium.OpenAsync(site, "/usage?type=external&sort=name");
        await window.LiveAsync();
        await window.Page.RouteAsync(Fragment, route => route.FulfillAsync(Unauthorised));
        await window.Page.ClickAsync("#refresh-now");
        await AssertSignedOutAsync(window);
        await window.Page.ClickAsync("#refresh-now");
        await AssertSignedOutAsync(window);
        await Eventually.TrueAsync(() => site.FilterSets.Count == 0, "the stream is closed");

        await window.Page.UnrouteAllAsync();
        await window.Page.ClickAsync("#refresh-now");
        await window.LiveAsync();
        await Expect(window.Page.Locator("#problem")).ToBeEmptyAsync();
        await Database.AddLogAsync(ann);
        await Expect(window.Row(ann).Locator("td.requests")).ToHaveTextAsync("1");
    }

    private static async Task AssertSignedOutAsync(Window window)
    {
        await Expect(window.Page.Locator("#live-status")).ToHaveAttributeAsync("data-state", "signed-out");
        await Expect(window.Page.Locator("#live-status")).ToHaveTextAsync(new System.Text.RegularExpressions.Regex(@"^Signed out, as of \d\d:\d\d:\d\d"));
        await Expect(window.Page.Locator("#problem")).ToContainTextAsync("You are signed out. The rows below are as of");
        var link = window.Page.GetByRole(AriaRole.Link, new() { Name = "Sign in" });
        await Expect(link).ToBeVisibleAsync();
        await Expect(link).ToHaveAttributeAsync("href", "/account/sign-in?returnUrl=%2Fusage%3Ftype%3Dexternal%26sort%3Dname");
        await Expect(window.Page.Locator("#syncing")).ToBeHiddenAsync();
        await Expect(window.Page.Locator("#loading")).ToBeHiddenAsync();
        Assert.Null(await window.Page.Locator("#usage-table").GetAttributeAsync("aria-busy"));
    }

    /// <summary>A minute passes, and everything happens that wakes a page; a request of the test's own is the fence.</summary>
    private static async Task AssertSilentAsync(Window window)
    {
        var (streams, fragments) = (window.Requests("/usage/events"), window.Requests("/usage/table"));
        await window.Page.Clock.RunForAsync(60_000);
        await window.Page.EvaluateAsync(
            """
            () => {
              document.dispatchEvent(new Event("visibilitychange"));
              dispatchEvent(new Event("online"));
              dispatchEvent(new PageTransitionEvent("pageshow", { persisted: true }));
              document.body.dispatchEvent(new CustomEvent("usage-changed", { bubbles: true }));
            }
            """);
        await window.Page.Clock.RunForAsync(60_000);
        await window.Page.EvaluateAsync("fetch('/health/live')");
        await Eventually.TrueAsync(() => window.Requests("/health/live") == 1, "the fence is seen");
        Assert.Equal((streams, fragments), (window.Requests("/usage/events"), window.Requests("/usage/table")));
        await AssertSignedOutAsync(window);
    }
}

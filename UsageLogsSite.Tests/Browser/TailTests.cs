using Microsoft.Playwright;
using UsageLogsSite.Data;
using UsageLogsSite.Tests.Support;
using static Microsoft.Playwright.Assertions;

namespace UsageLogsSite.Tests.Browser;

/// <summary>Logs that come while somebody reads: nothing moves under their eyes, and what is new is one click away.</summary>
public sealed class TailTests(PostgresCluster cluster, Chromium chromium) : SiteTest(cluster)
{
    /// <summary>Notes where a row is in every frame, and whether it is still there.</summary>
    private const string Watch = """
        id => {
          window.places = [];
          const row = document.getElementById(id);
          (function look() {
            places.push(row.isConnected ? row.getBoundingClientRect().top : NaN);
            requestAnimationFrame(look);
          })();
        }
        """;

    private Guid _ann;

    public override async ValueTask InitializeAsync()
    {
        await base.InitializeAsync();
        _ann = await Database.AddUserAsync("Ann");
        await Database.ExecuteAsync("INSERT INTO usage_logs (user_id, model, prompt_tokens, cost_usd, created_at) SELECT $1, 'old', i, 0.01, now() - i * interval '1 minute' FROM generate_series(1, 80) i", _ann);
    }

    [Theory]
    [InlineData("/usage", 1280)]
    [InlineData("/users", 375)]
    public async Task A_line_that_is_read_does_not_move_however_many_come(string page, int width)
    {
        await using var site = await Site.StartAsync(Database);
        await using var window = await OpenAsync(site, page, width);
        var row = window.Page.Locator("tr[data-log-id]").Nth(12);
        await row.EvaluateAsync("r => scrollTo(0, r.offsetTop + document.getElementById('usage-table').offsetTop)");
        await row.EvaluateAsync("r => scrollBy(0, r.getBoundingClientRect().top - innerHeight / 2)");
        var id = (await row.GetAttributeAsync("id"))!;
        var order = await window.Page.EvaluateAsync<string[]>("[...document.querySelectorAll('tr[data-log-id]')].map(r => r.id)");
        await window.Page.EvaluateAsync(Watch, id);

        await WriteAsync(seconds: 4);
        await Expect(window.Page.Locator("#newer button")).ToHaveTextAsync("400 new");
        Assert.Equal(order, await window.Page.EvaluateAsync<string[]>("[...document.querySelectorAll('tr[data-log-id]')].map(r => r.id)"));
        await Expect(window.Page.Locator("#total-requests")).ToHaveTextAsync("480"); // all else goes on
        var places = await window.Page.EvaluateAsync<double?[]>("places.map(p => Number.isNaN(p) ? null : p)");
        Assert.True(places.Length > 30, $"Only {places.Length} frames were seen.");
        Assert.DoesNotContain(null, places);
        Assert.InRange(places.Max()!.Value - places.Min()!.Value, 0, 1);

        // Announced once, not four hundred times.
        await Expect(window.Page.Locator("#newer [role=status]")).ToContainTextAsync("new requests on top of the list");
        await window.Page.Locator("#newer button").FocusAsync();
        await window.Page.Keyboard.PressAsync("Enter");
        await Expect(window.Page.Locator("tr[data-log-id] .model").First).ToHaveTextAsync("new 400");
        await Expect(window.Page.Locator("#newer button")).ToBeHiddenAsync();
        Assert.True(await window.Page.Locator("tr[data-log-id]").First.EvaluateAsync<bool>("r => r.getBoundingClientRect().top >= 0 && r.getBoundingClientRect().top < innerHeight"), "the newest row is in sight");
        Assert.Empty(window.Errors);
    }

    [Fact]
    public async Task On_top_of_the_list_rows_just_appear_unless_some_are_selected_or_in_hand()
    {
        await using var site = await Site.StartAsync(Database);
        await using var window = await OpenAsync(site, "/usage", 1280);
        var first = window.Page.Locator("tr[data-log-id]").First;
        await AddAsync("one");
        await Expect(first.Locator(".model")).ToHaveTextAsync("one");
        await Expect(window.Page.Locator("#newer button")).ToBeHiddenAsync();

        await window.Page.Locator("tr[data-log-id]").Nth(3).EvaluateAsync("r => getSelection().selectAllChildren(r.querySelector('.prompt'))");
        var selected = await window.Page.EvaluateAsync<string>("getSelection().toString()");
        await AddAsync("two");
        await Expect(window.Page.Locator("#newer button")).ToHaveTextAsync("1 new");
        await Expect(first.Locator(".model")).ToHaveTextAsync("one");
        Assert.Equal(selected, await window.Page.EvaluateAsync<string>("getSelection().toString()"));
        await window.Page.EvaluateAsync("getSelection().removeAllRanges()");
        await Expect(first.Locator(".model")).ToHaveTextAsync("two");

        await window.Page.Locator("tr[data-log-id] .at a").Nth(3).FocusAsync();
        var focused = await window.Page.EvaluateAsync<string>("document.activeElement.getAttribute('href')");
        await AddAsync("three");
        await Expect(window.Page.Locator("#newer button")).ToHaveTextAsync("1 new");
        Assert.Equal(focused, await window.Page.EvaluateAsync<string>("document.activeElement.getAttribute('href')"));
        await window.Page.ClickAsync("#newer button");
        await Expect(first.Locator(".model")).ToHaveTextAsync("three");
    }

    [Fact]
    public async Task An_older_page_stays_what_it_is_and_says_how_many_are_newer()
    {
        await using var site = await Site.StartAsync(Database);
        await using var window = await OpenAsync(site, "/usage", 1280);
        await window.Page.ClickAsync("#next");
        await Expect(window.Page.Locator("#newest")).ToBeVisibleAsync();
        await window.LiveAsync();
        var order = await window.Page.EvaluateAsync<string[]>("[...document.querySelectorAll('tr[data-log-id]')].map(r => r.id)");
        await AddAsync("one");
        await Expect(window.Page.Locator("#newer button")).ToHaveTextAsync("1 new");
        await AddAsync("two");
        await Expect(window.Page.Locator("#newer button")).ToHaveTextAsync("2 new");
        Assert.Equal(order, await window.Page.EvaluateAsync<string[]>("[...document.querySelectorAll('tr[data-log-id]')].map(r => r.id)"));
        await window.Page.ClickAsync("#newer button");
        await Expect(window.Page.Locator("tr[data-log-id] .model").First).ToHaveTextAsync("two");
        await Expect(window.Page.Locator("#newer button")).ToBeHiddenAsync();
        Assert.Empty(window.Errors);
    }

    private async Task<Window> OpenAsync(Site site, string page, int width)
    {
        var isMember = page == "/usage";
        var window = await chromium.OpenAsync(
            site, isMember ? page : $"/users/{_ann}", new() { ViewportSize = new ViewportSize { Width = width, Height = 800 } }, isMember ? await site.SignInAsync(AccountRole.Member, _ann) : null);
        await window.LiveAsync();
        return window;
    }

    private Task AddAsync(string model) => Database.ExecuteAsync("INSERT INTO usage_logs (user_id, model, prompt_tokens) VALUES ($1, $2, 1)", _ann, model);

    /// <summary>A hundred logs a second, each of a model of its own, so that what stands above the list changes, too.</summary>
    private async Task WriteAsync(int seconds)
    {
        using var beat = new PeriodicTimer(TimeSpan.FromMilliseconds(10));
        for (var i = 1; i <= seconds * 100 && await beat.WaitForNextTickAsync(Cancellation); i++)
            await AddAsync($"new {i}");
    }
}

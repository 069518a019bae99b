using Microsoft.Playwright;
using UsageLogsSite.Tests.Support;
using static Microsoft.Playwright.Assertions;

namespace UsageLogsSite.Tests.Browser;

/// <summary>The list as each reader wants it: light on what changed, words on what is new, columns and density, paper.</summary>
public sealed class ComfortTests(PostgresCluster cluster, Chromium chromium) : SiteTest(cluster)
{
    /// <summary>What lit up, by class, and whether anything moved by it.</summary>
    private const string Lit = """
        () => {
        window.lit = [];
        const animate = Element.prototype.animate;
        Element.prototype.animate = function (frames, options) {
          if (options?.id === "changed") {
            const before = JSON.stringify(this.getBoundingClientRect());
            const animation = animate.call(this, frames, options);
            lit.push((this.id || this.className) + (JSON.stringify(this.getBoundingClientRect()) === before && getComputedStyle(this).backgroundColor !== "rgba(0, 0, 0, 0)" ? "" : " moved or dark"));
            return animation;
          }
          return animate.call(this, frames, options);
        };
        }
        """;

    [Theory]
    [InlineData(ReducedMotion.NoPreference)]
    [InlineData(ReducedMotion.Reduce)]
    public async Task Cells_that_changed_by_themselves_light_up_and_nothing_else(ReducedMotion motion)
    {
        var ann = await Database.AddUserAsync("Ann");
        await Database.AddLogAsync(ann, at: DateTime.UtcNow.AddMinutes(-10));
        await Database.AddLogAsync(await Database.AddUserAsync("Bob"));
        await using var site = await Site.StartAsync(Database);
        await using var window = await chromium.OpenAsync(site, "/usage?sort=name&dir=asc", new() { ReducedMotion = motion });
        await window.LiveAsync();
        await window.Page.EvaluateAsync(Lit);
        await ReadyAsync(window);

        await Database.AddLogAsync(ann);
        var requests = window.Row(ann).Locator("td.requests");
        await Expect(requests).ToHaveTextAsync("2");
        var lit = await window.Page.EvaluateAsync<string[]>("lit.splice(0)");
        string[] changed = ["total-requests", "total-tokens", "total-cost", "requests", "tokens", "credits", "cost", "last-activity"];
        Assert.Equal(motion == ReducedMotion.Reduce ? [] : changed, lit);

        // What the reader asks for changes rows, too, and lights nothing.
        await window.Page.ClickAsync("#refresh-now");
        await window.Page.ClickAsync("#sort-requests");
        await Expect(window.Page.Locator("th[aria-sort=descending] #sort-requests")).ToBeVisibleAsync();
        await window.Page.CheckAsync("#hold input");
        await Database.AddLogAsync(ann);
        await window.Page.ClickAsync("#apply");
        await Expect(requests).ToHaveTextAsync("3");
        Assert.Empty(await window.Page.EvaluateAsync<string[]>("lit"));
        Assert.Empty(window.Errors);
    }

    [Fact]
    public async Task Who_wants_to_hears_whose_rows_had_news_now_and_then()
    {
        var ann = await Database.AddUserAsync("Ann");
        var bob = await Database.AddUserAsync("Bob");
        await using var site = await Site.StartAsync(Database);
        await using var window = await chromium.OpenAsync(site);
        await window.LiveAsync();
        await ReadyAsync(window);
        var toast = window.Page.Locator("#toast");
        await Expect(toast).ToHaveAttributeAsync("role", "status");
        await Database.AddLogAsync(ann);
        await Expect(window.Row(ann).Locator("td.requests")).ToHaveTextAsync("1");
        await Expect(toast).ToBeEmptyAsync(); // nobody asked for it

        await window.Page.ClickAsync("#view summary");
        await window.Page.CheckAsync("#view [name=toast]");
        await window.Page.EvaluateAsync("window.told = []; new MutationObserver(() => toast.textContent && told.push(toast.textContent)).observe(toast, { childList: true })");
        await Database.AddLogAsync(ann);
        await Expect(toast).ToHaveTextAsync("New activity: Ann");
        for (var i = 1; i <= 3; i++)
        {
            await Database.AddLogAsync(bob);
            await Expect(window.Row(bob).Locator("td.requests")).ToHaveTextAsync($"{i}");
        }

        await Database.AddLogAsync(ann);
        await Expect(toast).ToHaveTextAsync("New activity: Bob, Ann", new() { Timeout = 20_000 });
        Assert.Equal(2, await window.Page.EvaluateAsync<int>("told.length"));
    }

    [Theory]
    [InlineData(1440)]
    [InlineData(375)]
    public async Task Columns_and_density_are_the_readers_own_and_there_from_the_first_paint(int width)
    {
        var ann = await Database.AddUserAsync("Ann");
        await using var site = await Site.StartAsync(Database);
        await using var window = await chromium.OpenAsync(site, options: new() { ViewportSize = new() { Width = width, Height = 900 } });
        await window.LiveAsync();
        var tall = (await window.Row(ann).BoundingBoxAsync())!.Height;
        await window.Page.ClickAsync("#view summary");
        await window.Page.UncheckAsync("#view [value=tokens]");
        await Expect(window.Page.Locator("#columns .tokens")).ToBeHiddenAsync();
        await Expect(window.Row(ann).Locator(".tokens")).ToBeHiddenAsync();
        await Expect(window.Row(ann).Locator(".requests")).ToBeVisibleAsync();
        await window.Page.RunAndWaitForResponseAsync(() => window.Page.CheckAsync("#view [value=compact]"), r => r.Url.Contains("handler=View", StringComparison.Ordinal) && r.Status == 204);
        Assert.True((await window.Row(ann).BoundingBoxAsync())!.Height < tall);
        await Database.AddLogAsync(ann);
        await Expect(window.Row(ann).Locator("td.requests")).ToHaveTextAsync("1");
        await Expect(window.Row(ann).Locator(".tokens")).ToBeHiddenAsync();

        await window.Page.ReloadAsync(new() { WaitUntil = WaitUntilState.Commit });
        await Expect(window.Page.Locator("#view [value=tokens]")).Not.ToBeCheckedAsync();
        await Expect(window.Row(ann).Locator(".tokens")).ToBeHiddenAsync();
        await Expect(window.Page).ToHaveURLAsync(new Uri(site.Address, "/usage").ToString());
        Assert.Empty(window.Errors);

        await using var other = await chromium.OpenAsync(site, options: new() { ViewportSize = new() { Width = width, Height = 900 } });
        await Expect(other.Row(ann).Locator(".tokens")).ToBeVisibleAsync();
    }

    [Fact]
    public async Task Without_a_script_the_form_does_it_and_keeps_the_address()
    {
        var ann = await Database.AddUserAsync("Ann");
        await using var site = await Site.StartAsync(Database);
        await using var window = await chromium.OpenAsync(site, "/usage?type=external&sort=cost", new() { JavaScriptEnabled = false });
        await window.Page.ClickAsync("#view summary");
        await window.Page.UncheckAsync("#view [value=cost]");
        await window.Page.ClickAsync("#view button:not([form])");
        await Expect(window.Page.Locator("#view [value=cost]")).Not.ToBeCheckedAsync();
        await Expect(window.Row(ann).Locator(".cost")).ToBeHiddenAsync();
        await Expect(window.Page).ToHaveURLAsync(new Uri(site.Address, "/usage?type=external&sort=cost").ToString());
    }

    [Fact]
    public async Task On_paper_the_table_is_whole_light_and_without_what_can_be_pressed()
    {
        await Database.AddUsersAsync(60);
        await using var site = await Site.StartAsync(Database);
        await using var window = await chromium.OpenAsync(site, options: new() { ColorScheme = ColorScheme.Dark, ViewportSize = new() { Width = 718, Height = 1000 } });
        await window.LiveAsync();
        await window.Page.EmulateMediaAsync(new() { Media = Media.Print });
        Assert.Equal("table", await window.Page.EvaluateAsync<string>("getComputedStyle(document.querySelector('.usage')).display"));
        Assert.Equal("rgb(255, 255, 255)", await window.Page.EvaluateAsync<string>("getComputedStyle(document.body).backgroundColor"));
        Assert.Empty(await window.Page.EvaluateAsync<string[]>("[...document.querySelectorAll('button, .button, input, select, nav')].filter(e => e.checkVisibility()).map(e => e.outerHTML)"));
        Assert.Equal("", await window.Page.EvaluateAsync<string>("[...document.querySelectorAll('.page *')].filter(e => e.checkVisibility() && getComputedStyle(e).boxShadow !== 'none').map(e => e.className).join()"));
        Assert.True(await window.Page.EvaluateAsync<bool>("document.documentElement.scrollWidth <= innerWidth"), "it is as wide as the paper");
    }

    /// <summary>The script that the first update brings is there.</summary>
    private static async Task ReadyAsync(Window window) => await window.Page.EvaluateAsync("import('/js/flash.js').then(() => null)");
}

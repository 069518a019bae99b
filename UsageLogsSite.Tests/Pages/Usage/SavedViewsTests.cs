using System.Net;
using AngleSharp.Dom;
using AngleSharp.Html.Dom;
using UsageLogsSite.Data;
using UsageLogsSite.Saved;
using UsageLogsSite.Tests.Support;

namespace UsageLogsSite.Tests.Pages.Usage;

/// <summary>Named filters, in a browser without a script.</summary>
public sealed class SavedViewsTests(PostgresCluster cluster) : SiteTest(cluster)
{
    private const string Menu = "#views form";

    [Fact]
    public async Task A_view_is_saved_opened_changed_renamed_and_deleted()
    {
        await Database.AddUsersAsync(30);
        await using var site = await Site.StartAsync(Database);
        using var owner = new Visit(site.Address, site.Cookie);
        Assert.Equal("Everything", Open(await owner.PageAsync("/usage")));
        Assert.Null((await owner.PageAsync("/usage?type=external")).QuerySelector("#views [aria-current]"));

        // On its second page: that is gone back to, and the view begins on its first.
        var address = await SentAsync(owner, "/usage?type=external&size=10&page=2", Menu, ("name", " Customers "));
        Assert.Equal("/usage?type=external&page=2&size=10", address);
        Assert.Equal(["Customers|CUSTOMERS|?type=external&size=10"], await Database.RowsAsync("SELECT name, normalized_name, query FROM saved_views"));
        var page = await owner.PageAsync(address);
        Assert.Equal(("Customers", "Customers"), (Open(page), page.QuerySelector("#view-name")!.TextContent));
        Assert.True(page.QuerySelector("#views small")!.HasAttribute("hidden"));

        page = await owner.PageAsync("/usage?type=external");
        Assert.Equal("Customers", Open(page));
        Assert.False(page.QuerySelector("#views small")!.HasAttribute("hidden"));
        Assert.Equal("/usage?type=external", await SentAsync(owner, "/usage?type=external", "#views [data-changed][formaction]"));
        Assert.Equal("?type=external", await Database.ScalarAsync<string>("SELECT query FROM saved_views"));

        Assert.Equal("Everything", Open(await owner.PageAsync("/usage"))); // who goes back has left the view
        using var opened = await owner.GetAsync((await owner.PageAsync("/usage")).QuerySelector("#opened-view")!.GetAttribute("href")!);
        Assert.Equal("/usage?type=external", opened.Headers.Location!.ToString());

        Assert.Equal("/usage/views", await SentAsync(owner, "/usage/views", "#saved-views form", ("name", "CUSTOMERS")));
        Assert.Equal("CUSTOMERS", Open(await owner.PageAsync("/usage?type=external")));
        Assert.Equal("/usage/views", await SentAsync(owner, "/usage/views", ".delete"));
        Assert.NotNull((await owner.PageAsync("/usage/views")).QuerySelector("#no-views"));
        Assert.Null((await owner.PageAsync("/usage?type=external")).QuerySelector("#views [aria-current]"));
    }

    [Theory]
    [InlineData("", "needs a name")]
    [InlineData("\u202E\u200F", "needs a name")]
    [InlineData("mine", "called 'mine' already")]
    [InlineData("long", "at most 60 characters")]
    public async Task What_is_not_allowed_is_named_and_nothing_typed_is_lost(string name, string reason)
    {
        if (name == "long")
            name = new string('x', 300);
        await using var site = await Site.StartAsync(Database);
        using var owner = new Visit(site.Address, site.Cookie);
        await SentAsync(owner, "/usage?type=internal", Menu, ("name", "Mine"));
        await SentAsync(owner, "/usage", Menu, ("name", "Other"));
        using var answer = await owner.SubmitAsync("/usage?type=external", Menu, ("name", name));
        Assert.Equal(HttpStatusCode.UnprocessableEntity, answer.StatusCode);
        var page = await Visit.ReadAsync(answer);
        Assert.Contains(reason, page.QuerySelector("#refused")!.TextContent, StringComparison.Ordinal);
        Assert.Equal("?type=external", page.QuerySelector("#save [name=query]")!.GetAttribute("value"));
        Assert.Equal(name == "mine", page.QuerySelector("#replace") is not null);

        using var renamed = await owner.SubmitAsync("/usage/views", "#saved-views li:last-child form", ("name", name));
        Assert.Contains(reason, (await Visit.ReadAsync(renamed)).QuerySelector("#refused")!.TextContent, StringComparison.Ordinal);
        Assert.Equal(["Mine|?type=internal", "Other|"], await Database.RowsAsync("SELECT name, query FROM saved_views ORDER BY name"));
        if (page.QuerySelector("#replace") is not { } replace)
            return;

        var form = (IHtmlFormElement)replace.Closest("form")!;
        using var content = new FormUrlEncodedContent(form.QuerySelectorAll<IHtmlInputElement>("input").Select(i => KeyValuePair.Create(i.Name!, i.Value)));
        using var replaced = await owner.SendAsync(HttpMethod.Post, replace.GetAttribute("formaction")!, content);
        Assert.Equal("/usage?type=external", replaced.Headers.Location!.ToString());
        Assert.Equal("?type=external", await Database.ScalarAsync<string>("SELECT query FROM saved_views WHERE name = 'Mine'"));
    }

    [Theory]
    [InlineData("?type=nonsense&page=7&x=%00&sort=name%27;--&dir=asc&size=11", "?dir=asc")]
    [InlineData("https://evil.example/?q=a", "")]
    [InlineData("?q=%3Cscript%3E&q=b&dir=up&period=2026-13", "?q=%3Cscript%3E")]
    [InlineData("?activity=active-7d&chart=days&handler=Delete&id=1", "?activity=active-7d&chart=days")]
    public async Task Whatever_is_sent_a_view_is_a_filter_and_nothing_else(string sent, string stored)
    {
        await using var site = await Site.StartAsync(Database);
        using var owner = new Visit(site.Address, site.Cookie);
        var address = await SentAsync(owner, "/usage", Menu, ("name", "<img src=x onerror=alert(1)>"), ("query", sent));
        Assert.StartsWith("/usage", address, StringComparison.Ordinal);
        Assert.Equal(stored, Canonical(await Database.ScalarAsync<string>("SELECT query FROM saved_views")));
        var page = await owner.PageAsync("/usage/views");
        Assert.Equal("<img src=x onerror=alert(1)>", page.QuerySelector("#saved-views a")!.TextContent);
        Assert.Null(page.QuerySelector("img"));

        // What somebody has written into the table by hand is read as a filter, too.
        await Database.ExecuteAsync("UPDATE saved_views SET query = $1", sent.Replace("%00", "", StringComparison.Ordinal));
        using var opened = await owner.GetAsync(page.QuerySelector("#saved-views a")!.GetAttribute("href")!);
        Assert.Equal("/usage" + stored, Canonical(opened.Headers.Location!.OriginalString));

        static string Canonical(string query) => query.Replace("%3c", "%3C", StringComparison.Ordinal).Replace("%3e", "%3E", StringComparison.Ordinal);
    }

    [Fact]
    public async Task There_is_an_end_to_views_also_of_those_that_come_at_once()
    {
        await using var site = await Site.StartAsync(Database);
        using var owner = new Visit(site.Address, site.Cookie);
        await Database.ExecuteAsync(
            "INSERT INTO saved_views (account_id, name, normalized_name, query) SELECT id, i::text, i::text, '' FROM accounts, generate_series(2, $1) i", SavedViews.MostViews);
        var page = await owner.PageAsync("/usage");
        var token = page.QuerySelector<IHtmlInputElement>("#views [name=__RequestVerificationToken]")!.Value;
        var answers = await Task.WhenAll(Enumerable.Range(0, 6).Select(async i =>
        {
            using var content = new FormUrlEncodedContent([new("__RequestVerificationToken", token), new("name", $"new {i}"), new("query", "")]);
            using var answer = await owner.SendAsync(HttpMethod.Post, "/usage/views?handler=Save", content);
            return (answer.StatusCode, Text: (await Visit.ReadAsync(answer)).QuerySelector("#refused")?.TextContent);
        }));
        Assert.Single(answers, a => a.StatusCode == HttpStatusCode.Redirect);
        Assert.All(answers.Where(a => a.Text is not null), a => Assert.Contains("You have 50 views already: delete one first.", a.Text, StringComparison.Ordinal));
        Assert.Equal((long)SavedViews.MostViews, await Database.ScalarAsync<long>("SELECT count(*) FROM saved_views"));
    }

    [Fact]
    public async Task Nobody_learns_of_others_views_by_page_or_by_id()
    {
        await using var site = await Site.StartAsync(Database);
        using var owner = new Visit(site.Address, site.Cookie);
        using var other = new Visit(site.Address, await site.SignInAsync(AccountRole.Owner));
        await SentAsync(owner, "/usage?type=internal", Menu, ("name", "Secret plan"));
        await SentAsync(other, "/usage", Menu, ("name", "secret PLAN")); // a name is taken in one account only
        var id = await Database.ScalarAsync<Guid>("SELECT id FROM saved_views WHERE name = 'Secret plan'");
        foreach (var address in new[] { "/usage?type=internal", "/usage/views" })
            Assert.DoesNotContain("Secret plan", (await other.PageAsync(address)).Body!.InnerHtml, StringComparison.Ordinal);

        var token = (await other.PageAsync("/usage")).QuerySelector<IHtmlInputElement>("#views [name=__RequestVerificationToken]")!.Value;
        var seen = new HashSet<string>();
        foreach (var guess in new[] { id.ToString(), Guid.NewGuid().ToString() })
        {
            using var opened = await other.GetAsync($"/usage/views/{guess}");
            seen.Add($"{opened.StatusCode} {(await Visit.ReadAsync(opened)).QuerySelector("main")!.TextContent}");
            foreach (var handler in new[] { "Rename", "Replace", "Delete" })
            {
                using var content = new FormUrlEncodedContent([new("__RequestVerificationToken", token), new("name", "Mine"), new("query", "?q=x")]);
                using var answer = await other.SendAsync(HttpMethod.Post, $"/usage/views?handler={handler}&id={guess}", content);
                seen.Add($"{answer.StatusCode} {(await Visit.ReadAsync(answer)).QuerySelector("main")!.TextContent}");
            }
        }

        Assert.StartsWith("NotFound", Assert.Single(seen), StringComparison.Ordinal);
        using var none = new FormUrlEncodedContent([new("__RequestVerificationToken", token), new("name", "Mine")]);
        using var unnamed = await other.SendAsync(HttpMethod.Post, "/usage/views?handler=Rename&id=x", none);
        Assert.Equal(HttpStatusCode.NotFound, unnamed.StatusCode);
        Assert.Equal(["Secret plan|?type=internal", "secret PLAN|"], await Database.RowsAsync("SELECT name, query FROM saved_views ORDER BY query DESC"));
    }

    [Fact]
    public async Task Members_have_views_of_their_own_usage_and_a_view_follows_its_account()
    {
        var ann = await Database.AddUserAsync("Ann");
        await Database.AddLogAsync(ann);
        await using var site = await Site.StartAsync(Database);
        var account = await site.AddAccountAsync(AccountRole.Member, ann);
        using var member = new Visit(site.Address, await site.SignInAsync(account));
        Assert.Equal("/usage?period=30d&status=failed", await SentAsync(member, "/usage?status=failed&period=30d", Menu, ("name", "My failures"), ("query", "?status=failed&period=30d&type=internal")));
        Assert.Equal("My failures", Open(await member.PageAsync("/usage?period=30d&status=failed")));
        Assert.Equal(["?period=30d&status=failed"], await Database.RowsAsync("SELECT query FROM saved_views"));
        Assert.Null((await member.PageAsync("/usage")).QuerySelector("#view")); // the list's own menu

        await Database.ExecuteAsync("DELETE FROM accounts WHERE id = $1", account.Id);
        Assert.Equal(0L, await Database.ScalarAsync<long>("SELECT count(*) FROM saved_views"));
    }

    [Fact]
    public async Task Who_saves_data_is_led_to_fewer_rows_and_it_is_still_the_view()
    {
        await Database.AddUsersAsync(30);
        await using var site = await Site.StartAsync(Database);
        using var owner = new Visit(site.Address, site.Cookie);
        await SentAsync(owner, "/usage?type=external", Menu, ("name", "Customers"));
        var id = await Database.ScalarAsync<Guid>("SELECT id FROM saved_views");
        await owner.SubmitAsync("/account", "#data button");
        using var opened = await owner.GetAsync($"/usage/views/{id}");
        Assert.Equal("/usage?type=external", opened.Headers.Location!.ToString());
        using var led = await owner.GetAsync("/usage?type=external");
        Assert.Equal("/usage?type=external&size=10", led.Headers.Location!.ToString());
        var page = await owner.PageAsync("/usage?type=external&size=10");
        Assert.Equal("Customers", Open(page));
        Assert.True(page.QuerySelector("#views small")!.HasAttribute("hidden"));
        Assert.Equal("Everything", Open(await owner.PageAsync("/usage?size=10")));
    }

    /// <summary>The entry of the menu that is marked.</summary>
    private static string? Open(IHtmlDocument page) => page.QuerySelectorAll("#views [aria-current=true]").Single().TextContent;

    /// <summary>Sends a form, and gives where that led to.</summary>
    private static async Task<string> SentAsync(Visit visit, string address, string form, params (string, string)[] fields)
    {
        using var answer = await visit.SubmitAsync(address, form, fields);
        Assert.True(answer.StatusCode == HttpStatusCode.Redirect, $"{answer.StatusCode}: {(await Visit.ReadAsync(answer)).QuerySelector("#refused")?.TextContent}");
        return answer.Headers.Location!.ToString();
    }
}

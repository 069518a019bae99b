using System.Net;
using System.Text.RegularExpressions;
using AngleSharp.Html.Dom;
using AngleSharp.Html.Parser;
using Microsoft.Extensions.DependencyInjection;
using UsageLogsSite.Access;
using UsageLogsSite.Tests.Support;

namespace UsageLogsSite.Tests.Pages.Admin;

/// <summary>What owners do with widgets, and what the audit log says of it.</summary>
public sealed class EmbedsTests(PostgresCluster cluster) : SiteTest(cluster)
{
    private const string Page = "/admin/embeds";

    [Fact]
    public async Task An_owner_makes_a_widget_whose_address_is_shown_once_and_revokes_it()
    {
        await Database.AddUsersAsync(3);
        await Database.AddUsersAsync(2, "internal");
        await using var site = await Site.StartAsync(Database);
        using var owner = new Visit(site.Address, site.Cookie);
        using var nobody = new Visit(site.Address);
        var made = await SubmitAsync(
            owner, "#add", ("name", "Our <b>usage</b>"), ("type", "external"), ("sort", "cost"), ("columns", "requests"), ("columns", "cost"),
            ("origins", "https://shop.example\r\n\r\n https://www.shop.example:8443/ "), ("theme", "dark"), ("days", "30"));
        var snippet = made.QuerySelector("#snippet")!.TextContent;
        var path = Regex.Match(snippet, "/embed/[A-Za-z0-9_-]{43}").Value;
        Assert.Contains($"<iframe src=\"{site.Address.GetLeftPart(UriPartial.Authority)}{path}\"", snippet, StringComparison.Ordinal);
        using (var answer = await nobody.GetAsync(path))
        {
            Assert.Equal(3, (await Visit.ReadAsync(answer)).QuerySelectorAll("tr[data-user-id]").Length);
            Assert.EndsWith("frame-ancestors https://shop.example https://www.shop.example:8443", answer.Headers.GetValues("Content-Security-Policy").Single(), StringComparison.Ordinal);
        }

        Assert.Equal(
            "True|?type=external&sort=cost&size=10|requests,cost|dark|30",
            Assert.Single(await Database.RowsAsync(
                "SELECT created_by = (SELECT id FROM accounts), filter, array_to_string(columns, ','), theme, round(extract(epoch FROM expires_at - created_at) / 86400) FROM embeds")));
        var page = await owner.PageAsync(Page);
        var row = page.QuerySelector("[data-embed-id]")!;
        foreach (var words in new[] { "Our <b>usage</b>", "Open", "External users · by cost · 10 rows", "Requests, Cost", "Dark", "https://shop.example", "by owner-" })
            Assert.Contains(words, row.TextContent, StringComparison.Ordinal);
        Assert.DoesNotContain(path["/embed/".Length..], page.Source.Text, StringComparison.Ordinal);

        await SubmitAsync(owner, ".revoke");
        using (var gone = await nobody.GetAsync(path))
            Assert.Equal(HttpStatusCode.NotFound, gone.StatusCode);
        page = await owner.PageAsync(Page);
        Assert.Contains("Revoked", page.QuerySelector("[data-embed-id]")!.TextContent, StringComparison.Ordinal);
        Assert.Null(page.QuerySelector(".revoke"));

        var id = await Database.ScalarAsync<Guid>("SELECT id FROM embeds");
        Assert.Equal(
            [.. new[] { "AddedEmbed", "RevokedEmbed" }.Select(a => $"{a}|{id}|Our <b>usage</b>: /usage?type=external&sort=cost&size=10 https://shop.example https://www.shop.example:8443|True")],
            await Database.RowsAsync("SELECT action, subject, detail, account_id = (SELECT id FROM accounts) FROM audit_log ORDER BY id"));
        Assert.Contains("Made a widget", (await owner.PageAsync("/admin/audit")).Body!.TextContent, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_owner_makes_a_widget_for_each_viewer_with_a_secret_that_signs_for_them()
    {
        var ann = await Database.AddUserAsync("Ann");
        await Database.AddLogAsync(ann);
        await using var site = await Site.StartAsync(Database);
        using var owner = new Visit(site.Address, site.Cookie);
        using (var preview = await owner.SubmitAsync(Page, "#preview-form", ("name", "Yours"), ("perViewer", "true")))
            Assert.Contains("No usage yet", PreviewOf(await Visit.ReadAsync(preview)).Body!.TextContent, StringComparison.Ordinal);
        var made = await SubmitAsync(owner, "#add", ("name", "Yours"), ("perViewer", "true"), ("columns", "requests"));
        var lines = made.QuerySelector("#secret")!.TextContent.Split('\n');
        var widget = new ViewerWidget(Guid.Parse(lines[1].Split('=')[1]), lines[0].Split('=')[1]);
        Assert.Contains("data-usage-renew", made.QuerySelector("#snippet")!.TextContent, StringComparison.Ordinal);
        using var viewer = new Visit(site.Address);
        Assert.Equal("1", (await viewer.PageAsync(widget.PathOf(ann))).QuerySelector("#total-requests data")!.GetAttribute("value"));

        // Known from now on: the next viewer costs no look at it.
        var embeds = site.Services.GetRequiredService<Embeds>();
        Assert.Same(await embeds.FindPerViewerAsync(widget.Id, Cancellation), await embeds.FindPerViewerAsync(widget.Id, Cancellation));

        var page = await owner.PageAsync(Page);
        Assert.Contains("Each viewer's own usage", page.QuerySelector("[data-embed-id]")!.TextContent, StringComparison.Ordinal);
        Assert.DoesNotContain(widget.Secret, page.Source.Text, StringComparison.Ordinal);
        using (var shown = await owner.SubmitAsync(Page, ".show"))
            Assert.Contains("No usage yet", PreviewOf(await Visit.ReadAsync(shown)).Body!.TextContent, StringComparison.Ordinal);
        using (var both = await owner.SubmitAsync(Page, "#add", ("name", "Both"), ("perViewer", "true"), ("user", ann.ToString())))
            Assert.Contains("Choose one of the two", (await Visit.ReadAsync(both)).QuerySelector("#refused")!.TextContent, StringComparison.Ordinal);
        await SubmitAsync(owner, ".revoke");
        using var gone = await viewer.GetAsync(widget.PathOf(ann));
        Assert.Equal(HttpStatusCode.NotFound, gone.StatusCode);
    }

    [Theory]
    [InlineData("name", " ", "needs a name")]
    [InlineData("origins", "https://shop.example\nhttps://*.example", "'https://*.example' is not an origin")]
    [InlineData("user", "nobody@example.test", "no user with the id or e-mail address 'nobody@example.test'")]
    [InlineData("days", "0", "ends after 1 to")]
    [InlineData("days", "soon", "ends after 1 to")]
    [InlineData("columns", "secrets", "'secrets' is not a column")]
    public async Task What_is_not_allowed_is_said_and_nothing_that_was_typed_is_lost(string field, string value, string message)
    {
        await using var site = await Site.StartAsync(Database);
        using var owner = new Visit(site.Address, site.Cookie);
        (string Name, string Value)[] typed =
        [
            ("name", "Ours"), ("type", "external"), ("activity", "active-7d"), ("period", "30d"), ("search", "\"ann\" & <co>"), ("sort", "name"), ("size", "50"),
            ("columns", "cost"), ("theme", "transparent"), ("origins", "https://shop.example"), ("days", "7"),
        ];
        foreach (var button in new[] { "#add", "#preview-form" })
        {
            using var answer = await owner.SubmitAsync(Page, button, [.. typed.Where(t => t.Name != field), (field, value)]);
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
            var page = await Visit.ReadAsync(answer);
            Assert.Contains(message, page.QuerySelector("#refused")!.TextContent, StringComparison.Ordinal);
            foreach (var (name, expected) in typed.Where(t => t.Name != field))
                Assert.Equal((name, expected), (name, ValueOf(page, name)));
            if (field is "origins" or "days")
                Assert.Equal(value, ValueOf(page, field));
        }

        Assert.Equal(0L, await Database.ScalarAsync<long>("SELECT count(*) FROM embeds"));
        Assert.Equal(0L, await Database.ScalarAsync<long>("SELECT count(*) FROM audit_log"));
        Assert.Empty(site.Logs.Errors);
    }

    [Fact]
    public async Task A_preview_shows_the_rows_of_this_moment_and_makes_nothing()
    {
        await Database.AddUsersAsync(12);
        await Database.ExecuteAsync("UPDATE usage_logs SET cost_usd = 7.77");
        await using var site = await Site.StartAsync(Database);
        using var owner = new Visit(site.Address, site.Cookie);
        using (var answer = await owner.SubmitAsync(Page, "#preview-form", ("name", "Ours"), ("columns", "requests"), ("theme", "dark")))
        {
            var page = await Visit.ReadAsync(answer);
            Assert.True(answer.Headers.CacheControl!.NoStore);
            Assert.Equal("Ours", ValueOf(page, "name"));
            AssertPreview(page);
        }

        Assert.Equal(0L, await Database.ScalarAsync<long>("SELECT count(*) FROM embeds"));
        var (id, path) = await site.AddWidgetAsync("?size=10", columns: ["requests"], theme: Data.EmbedTheme.Dark);
        foreach (var state in new[] { "expires_at = NULL", "revoked_at = now()" })
        {
            await Database.ExecuteAsync($"UPDATE embeds SET {state} WHERE id = $1", id);
            using var answer = await owner.SubmitAsync(Page, $"[data-embed-id='{id}'] .show");
            AssertPreview(await Visit.ReadAsync(answer));
            Assert.DoesNotContain(path["/embed/".Length..], await answer.Content.ReadAsStringAsync(Cancellation), StringComparison.Ordinal);
        }

        Assert.Equal(0L, await Database.ScalarAsync<long>("SELECT count(*) FROM audit_log"));
    }

    [Fact]
    public async Task A_widget_of_one_user_is_made_by_their_address_and_tells_of_whom_it_is()
    {
        var ann = await Database.AddUserAsync("Ann");
        await Database.AddLogAsync(ann);
        var email = await Database.ScalarAsync<string>("SELECT email FROM users WHERE id = $1", ann);
        await using var site = await Site.StartAsync(Database);
        using var owner = new Visit(site.Address, site.Cookie);
        await SubmitAsync(owner, "#add", ("name", "Ann's"), ("user", email), ("period", "30d"));
        Assert.Equal($"{ann}|?period=30d&size=10", Assert.Single(await Database.RowsAsync("SELECT user_id, filter FROM embeds")));
        Assert.Contains($"The usage of {email} · last 30 days", (await owner.PageAsync(Page)).QuerySelector("[data-embed-id]")!.TextContent, StringComparison.Ordinal);
        using var answer = await owner.SubmitAsync(Page, ".show");
        Assert.Single(PreviewOf(await Visit.ReadAsync(answer)).QuerySelectorAll("tr[data-log-id]"));
        await Database.ExecuteAsync("DELETE FROM usage_logs");
        await Database.ExecuteAsync("DELETE FROM users");
        Assert.Contains("a user who is gone", (await owner.PageAsync(Page)).QuerySelector("[data-embed-id]")!.TextContent, StringComparison.Ordinal);
    }

    private static void AssertPreview(IHtmlDocument page)
    {
        var preview = PreviewOf(page);
        Assert.Equal("dark", preview.DocumentElement.GetAttribute("data-theme"));
        Assert.Equal(10, preview.QuerySelectorAll("tr[data-user-id]").Length);
        Assert.DoesNotContain("7.77", preview.Source.Text, StringComparison.Ordinal);
        Assert.Empty(preview.QuerySelectorAll("script, .live-stream, #refresh"));
    }

    private static IHtmlDocument PreviewOf(IHtmlDocument page)
    {
        var frame = page.QuerySelector("#preview iframe") ?? throw new InvalidOperationException(page.QuerySelector("#refused")?.TextContent);
        Assert.Equal("", frame.GetAttribute("sandbox"));
        return new HtmlParser().ParseDocument(frame.GetAttribute("srcdoc")!);
    }

    private static string ValueOf(IHtmlDocument page, string name) => page.QuerySelectorAll($"#add [name={name}]") switch
    {
        [IHtmlSelectElement select] => select.Value ?? "",
        [IHtmlTextAreaElement text] => text.Value,
        [IHtmlInputElement { Type: not "checkbox" } input] => input.Value,
        var boxes => string.Join(' ', boxes.OfType<IHtmlInputElement>().Where(b => b.IsChecked).Select(b => b.Value)),
    };

    private static async Task<IHtmlDocument> SubmitAsync(Visit visit, string form, params (string, string)[] fields)
    {
        using var answer = await visit.SubmitAsync(Page, form, fields);
        var page = await Visit.ReadAsync(answer);
        Assert.True(page.QuerySelector("#done") is not null, $"{answer.StatusCode}: {page.QuerySelector("#refused")?.TextContent}");
        return page;
    }
}

using System.Net;
using AngleSharp.Html.Dom;
using AngleSharp.Html.Parser;
using Npgsql;
using UsageLogsSite.Data;
using UsageLogsSite.Rollup;
using UsageLogsSite.Tests.Support;

namespace UsageLogsSite.Tests.Pages.Admin;

/// <summary>The admin's page about totals, as it works without JavaScript.</summary>
[Collection("Transactions held open anywhere in the cluster keep a fold from its sleep")]
public sealed class RollupPageTests(PostgresCluster cluster) : SiteTest(cluster)
{
    private const string Address = "/admin/rollup";

    [Theory]
    [InlineData(AccountRole.Owner, HttpStatusCode.OK)]
    [InlineData(AccountRole.Analyst, HttpStatusCode.Forbidden)]
    [InlineData(AccountRole.Member, HttpStatusCode.Forbidden)]
    public async Task It_is_for_owners(AccountRole role, HttpStatusCode expected)
    {
        await using var site = await Site.StartAsync(Database);
        using var http = site.ClientOf(await site.SignInAsync(role));
        using var answer = await http.GetAsync(new Uri(Address, UriKind.Relative), Cancellation);
        Assert.Equal(expected, answer.StatusCode);
        if (role != AccountRole.Owner)
            Assert.Contains("This page is for owners", await answer.Content.ReadAsStringAsync(Cancellation), StringComparison.Ordinal);
    }

    [Fact]
    public async Task It_shows_who_folds_and_every_partition()
    {
        await using var site = await Site.StartAsync(Database);
        var page = await site.GetPageAsync(Address);
        Assert.Equal(("This instance", "0", "Not yet"), (Text(page, "#folding"), Text(page, "#pending"), Text(page, "#verdict")));
        Assert.Equal(5, page.QuerySelectorAll("#partitions tbody tr").Length);
        Assert.Contains("usage_logs_default", Text(page, "#partitions"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Verify_prints_differences_and_rebuild_puts_them_right()
    {
        await Database.AddUsersAsync(1_100);
        await using var site = await Site.StartAsync(Database);
        Assert.Equal("Exact", Text(await RunAsync(site, "Verify"), "#verdict"));

        await Database.ExecuteAsync("UPDATE usage_totals SET requests = 8");
        var page = await RunAsync(site, "Verify");
        Assert.Matches("^1,1.. differences$", Text(page, "#verdict")); // and those of the sums above them
        Assert.Equal(RollupJob.MostDifferences, page.QuerySelectorAll("#differences tbody tr").Length);
        Assert.Contains("The first 1,000 of 1,1", Text(page, "#rollup"), StringComparison.Ordinal);
        Assert.EndsWith("requests18", Text(page, "#differences tbody tr"), StringComparison.Ordinal);

        Assert.StartsWith("Totals were rebuilt in", Text(await RunAsync(site, "Rebuild"), "#job"), StringComparison.Ordinal);
        Assert.Equal("Exact", Text(await RunAsync(site, "Verify"), "#verdict"));
    }

    [Fact]
    public async Task One_job_runs_at_a_time_and_no_request_waits_for_it_nor_does_the_end_of_the_site()
    {
        await using var site = await Site.StartAsync(Database);
        await using var connection = await Database.DataSource.OpenConnectionAsync(Cancellation);
        await using var transaction = await connection.BeginTransactionAsync(Cancellation);
        await using (var hold = new NpgsqlCommand("LOCK TABLE credit_purchases IN ACCESS EXCLUSIVE MODE", connection))
            await hold.ExecuteNonQueryAsync(Cancellation);
        var first = await PressAsync(site, "Verify");
        var second = await PressAsync(site, "Rebuild");
        foreach (var page in new[] { first, second })
        {
            Assert.Equal(("Running…", "true"), (Text(page, "#verdict"), page.QuerySelector("#verify")!.GetAttribute("aria-busy")));
            Assert.All(page.QuerySelectorAll("main form button"), button => Assert.True(button.HasAttribute("disabled")));
            Assert.Equal("2", page.QuerySelector("head noscript")!.InnerHtml.Split("content=\"")[1][..1]);
        }

        await site.DisposeAsync();
        Assert.Empty(site.Logs.Errors);
    }

    [Theory]
    [InlineData("Verify", HttpStatusCode.BadRequest)]
    [InlineData("Nonsense", HttpStatusCode.BadRequest)]
    public async Task What_was_not_sent_from_the_page_is_refused(string handler, HttpStatusCode expected)
    {
        await using var site = await Site.StartAsync(Database);
        using var answer = await site.Http.PostAsync(new Uri($"{Address}?handler={handler}", UriKind.Relative), new FormUrlEncodedContent([]), Cancellation);
        Assert.Equal(expected, answer.StatusCode);
        Assert.Equal("Not yet", Text(await site.GetPageAsync(Address), "#verdict"));
    }

    private static string Text(IHtmlDocument page, string selector) => page.QuerySelector(selector)!.TextContent.Trim();

    private static async Task<IHtmlDocument> RunAsync(Site site, string button)
    {
        var page = await PressAsync(site, button);
        await Eventually.TrueAsync(
            async () => (page = await site.GetPageAsync(Address)).QuerySelector("#rollup")!.GetAttribute("aria-busy") is null, "the job has ended");
        return page;
    }

    /// <summary>Does what a browser does: the form, its token and its cookie, and the redirect that follows.</summary>
    private static async Task<IHtmlDocument> PressAsync(Site site, string button)
    {
        using var handler = new SocketsHttpHandler { AllowAutoRedirect = true };
        handler.CookieContainer.SetCookies(site.Address, site.Cookie);
        using var browser = new HttpClient(handler) { BaseAddress = site.Address };
        var form = new HtmlParser().ParseDocument(await browser.GetStringAsync(new Uri(Address, UriKind.Relative), Cancellation));
        var token = form.QuerySelector("input[name=__RequestVerificationToken]")!.GetAttribute("value")!;
        var target = form.QuerySelector($"#{button.ToLowerInvariant()}")!.GetAttribute("formaction")!;
        using var content = new FormUrlEncodedContent([new("__RequestVerificationToken", token)]);
        using var answer = await browser.PostAsync(new Uri(target, UriKind.Relative), content, Cancellation);
        Assert.Equal((HttpStatusCode.OK, Address), (answer.StatusCode, answer.RequestMessage!.RequestUri!.PathAndQuery));
        return new HtmlParser().ParseDocument(await answer.Content.ReadAsStringAsync(Cancellation));
    }
}

using AngleSharp.Dom;
using AngleSharp.Html.Dom;
using UsageLogsSite.Tests.Alerts;
using UsageLogsSite.Tests.Support;

namespace UsageLogsSite.Tests.Pages.Admin;

/// <summary>What a change of a rule does to what it has told, and what others did to the rule meanwhile.</summary>
public sealed class AlertEditTests(PostgresCluster cluster) : SiteTest(cluster)
{
    private const string Page = "/admin/alerts";
    private const string Form = "#rules .fields";

    [Fact]
    public async Task About_others_it_ends_its_open_alerts_at_once_and_about_the_same_it_keeps_them()
    {
        var (ann, bob) = (await AddFailingAsync("Ann"), await AddFailingAsync("Bob"));
        await using var site = await Site.StartAsync(Database);
        using var owner = new Visit(site.Address, site.Cookie);
        await SubmitAsync(owner, "#add", ("name", "Ann fails"), ("kind", "failures"), ("threshold", "1"), ("user", $"{ann}"));
        await Eventually.TrueAsync(async () => await OpenAlertsAsync() == $"{ann}", "it fires");

        await SubmitAsync(owner, Form, ("name", "Ann still fails"));
        Assert.Equal($"{ann}", await OpenAlertsAsync());
        Assert.NotNull((await owner.PageAsync(Page)).QuerySelector("#rules .firing"));

        await SubmitAsync(owner, Form, ("user", $"{bob}"));
        await Eventually.TrueAsync(async () => await OpenAlertsAsync() == $"{bob}", "only the other's is open");
        Assert.Equal(1L, await Database.ScalarAsync<long>("SELECT count(*) FROM alerts WHERE user_id = $1 AND cleared_at IS NOT NULL", ann));
    }

    [Fact]
    public async Task With_another_webhook_what_waited_for_the_old_one_is_given_up()
    {
        var ann = await AddFailingAsync("Ann");
        await using var receiver = await Receiver.StartAsync();
        await using var site = await Site.StartAsync(Database, new() { ["Alerts:AllowPrivateAddresses"] = "true" });
        using var owner = new Visit(site.Address, site.Cookie);
        await SubmitAsync(owner, "#add", ("name", "Ann fails"), ("kind", "failures"), ("threshold", "1"), ("user", $"{ann}"), ("webhook", "https://hooks.invalid/x"));
        await Eventually.TrueAsync(async () => await WaitingAsync() == 1, "a delivery waits to be tried again");
        await SubmitAsync(owner, Form, ("name", "Ann still fails"));
        Assert.Equal(1L, await WaitingAsync());

        var page = await SubmitAsync(owner, Form, ("webhook", receiver.Url));
        Assert.Equal(0L, await WaitingAsync());
        Assert.Equal("The webhook was changed.", await Database.ScalarAsync<string>("SELECT problem FROM alert_deliveries"));
        Assert.Contains("given up", (await owner.PageAsync(Page)).QuerySelector("#alerts small")!.TextContent, StringComparison.Ordinal);

        await SubmitAsync(owner, "#rules .test");
        await Eventually.TrueAsync(() => receiver.Messages.Count > 0, "the new address is posted to");
        Assert.Contains("\"type\":\"alert.test\"", Assert.Single(receiver.Messages).Body, StringComparison.Ordinal); // and the old alert is not
        Assert.True(receiver.Messages[0].IsSignedWith(page.QuerySelector("#new-secret")!.TextContent));
    }

    [Fact]
    public async Task Switched_off_meanwhile_it_is_refused_and_saved_again_stays_off_and_silent()
    {
        var ann = await AddFailingAsync("Ann");
        await using var site = await Site.StartAsync(Database);
        using var owner = new Visit(site.Address, site.Cookie);
        await SubmitAsync(owner, "#add", ("name", "Ann fails a lot"), ("kind", "failures"), ("threshold", "9"), ("user", $"{ann}"));
        var stale = await owner.PageAsync(Page);
        await SubmitAsync(owner, "#rules .switch");

        var page = await SendAsync(owner, stale, ("threshold", "1"));
        Assert.Contains("Somebody has changed this rule meanwhile", page.QuerySelector("#refused")!.TextContent, StringComparison.Ordinal);
        Assert.NotNull(page.QuerySelector("#rules .off"));
        Assert.Equal("1", page.QuerySelector<IHtmlInputElement>($"{Form} [name=threshold]")!.Value); // what was typed
        Assert.Equal(9m, await Database.ScalarAsync<decimal>("SELECT threshold FROM alert_rules"));

        page = await SendAsync(owner, page);
        Assert.Contains("is changed", page.QuerySelector("#done")!.TextContent, StringComparison.Ordinal);
        Assert.NotNull(page.QuerySelector("#rules .off"));
        await AddFailingAsync("Bob");
        await site.FoldedAsync();
        await site.QuietAsync();
        Assert.Equal("", await OpenAlertsAsync());

        await SubmitAsync(owner, "#rules .switch");
        await Eventually.TrueAsync(async () => await OpenAlertsAsync() == $"{ann}", "switched on, it fires");
    }

    [Fact]
    public async Task Removed_meanwhile_it_is_told_of_and_does_not_come_back()
    {
        await using var site = await Site.StartAsync(Database);
        using var owner = new Visit(site.Address, site.Cookie);
        await SubmitAsync(owner, "#add", ("name", "Failures"), ("kind", "failures"), ("threshold", "9"));
        var stale = await owner.PageAsync(Page);
        await SubmitAsync(owner, "#rules .remove");
        var page = await SendAsync(owner, stale, ("threshold", "1"));
        Assert.Contains("somebody removed it", page.QuerySelector("#refused")!.TextContent, StringComparison.Ordinal);
        Assert.NotNull(page.QuerySelector("#no-rules"));
        Assert.Equal(0L, await Database.ScalarAsync<long>("SELECT count(*) FROM alert_rules"));
        Assert.False(await Database.ScalarAsync<bool>("SELECT EXISTS (SELECT FROM audit_log WHERE action = 'ChangedAlertRule')"));
    }

    private async Task<Guid> AddFailingAsync(string name)
    {
        var user = await Database.AddUserAsync(name);
        await Database.ExecuteAsync("INSERT INTO usage_logs (user_id, model, status) VALUES ($1, 'm', 'failed')", user);
        return user;
    }

    private Task<string> OpenAlertsAsync() => Database.ScalarAsync<string>("SELECT coalesce(string_agg(user_id::text, ' '), '') FROM alerts WHERE cleared_at IS NULL");

    private Task<long> WaitingAsync() => Database.ScalarAsync<long>("SELECT count(*) FROM alert_deliveries WHERE next_attempt_at IS NOT NULL AND attempts > 0");

    private static async Task<IHtmlDocument> SubmitAsync(Visit visit, string form, params (string, string)[] fields)
    {
        using var answer = await visit.SubmitAsync(Page, form, fields);
        var page = await Visit.ReadAsync(answer);
        Assert.True(page.QuerySelector("#done") is not null, $"{answer.StatusCode}: {page.QuerySelector("#refused")?.TextContent}");
        return page;
    }

    /// <summary>Sends the form of a page that was loaded before.</summary>
    private static async Task<IHtmlDocument> SendAsync(Visit visit, IHtmlDocument page, params (string Name, string Value)[] typed)
    {
        var form = (IHtmlFormElement)page.QuerySelector(Form)!;
        var values = form.QuerySelectorAll<IHtmlInputElement>("input").Select(i => (Name: i.Name!, i.Value))
            .Concat(form.QuerySelectorAll<IHtmlSelectElement>("select").Select(s => (Name: s.Name!, Value: s.Value!)))
            .Where(v => typed.All(t => t.Name != v.Name)).Concat(typed);
        using var content = new FormUrlEncodedContent(values.Select(v => KeyValuePair.Create(v.Name, v.Value)));
        using var answer = await visit.SendAsync(HttpMethod.Post, form.GetAttribute("action")!, content);
        return await Visit.ReadAsync(answer);
    }
}

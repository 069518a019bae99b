using System.Net;
using AngleSharp.Dom;
using AngleSharp.Html.Dom;
using UsageLogsSite.Tests.Alerts;
using UsageLogsSite.Tests.Support;

namespace UsageLogsSite.Tests.Pages.Admin;

/// <summary>What owners do with alert rules, in a browser without a script; who else may not is in <see cref="Access.EndpointsTests"/>.</summary>
public sealed class AlertsPageTests(PostgresCluster cluster) : SiteTest(cluster)
{
    private const string Page = "/admin/alerts";

    [Fact]
    public async Task A_rule_is_made_tested_switched_and_removed_and_all_of_it_is_written_down()
    {
        await using var receiver = await Receiver.StartAsync();
        await using var site = await Site.StartAsync(Database, new() { ["Alerts:AllowPrivateAddresses"] = "true" });
        using var owner = new Visit(site.Address, site.Cookie);
        var page = await SubmitAsync(owner, "#add", ("name", "Cost <b>"), ("kind", "cost-per-hour"), ("threshold", "12.5"), ("users", "external"), ("webhook", receiver.Url));
        var secret = page.QuerySelector("#new-secret")!.TextContent;
        Assert.DoesNotContain(secret, (await owner.PageAsync(Page)).Body!.TextContent, StringComparison.Ordinal);
        Assert.Equal("cost of this hour ≥ $12.50 · external users", page.QuerySelector("#rules small")!.TextContent.Trim());
        Assert.Equal("", page.QuerySelector<IHtmlInputElement>("#add [name=name]")!.Value); // what was done need not be typed again

        await SubmitAsync(owner, "#rules .test");
        await Eventually.TrueAsync(() => receiver.Messages.Count == 1, "the test has arrived");
        Assert.True(receiver.Messages[0].IsSignedWith(secret));
        Assert.Contains("\"type\":\"alert.test\"", receiver.Messages[0].Body, StringComparison.Ordinal);
        await Eventually.TrueAsync(
            async () => (await owner.PageAsync(Page)).QuerySelector("#tests small")!.TextContent.Contains("delivered", StringComparison.Ordinal), "the page says so");

        Assert.Equal("Off", (await SubmitAsync(owner, "#rules .switch")).QuerySelector("#rules .type")!.TextContent);
        Assert.Null((await owner.PageAsync(Page)).QuerySelector("#rules .test"));
        Assert.Null((await SubmitAsync(owner, "#rules .switch")).QuerySelector("#rules .type"));
        Assert.NotNull((await SubmitAsync(owner, "#rules .remove")).QuerySelector("#no-rules"));
        Assert.Equal(
            [
                "AddedAlertRule|Cost <b>: cost of this hour ≥ $12.50, external users", "ChangedAlertRule|Cost <b>: test delivery", "ChangedAlertRule|Cost <b>: off",
                "ChangedAlertRule|Cost <b>: on", "RemovedAlertRule|Cost <b>: cost of this hour ≥ $12.50, external users",
            ],
            (await Database.RowsAsync("SELECT action, detail FROM audit_log WHERE action LIKE '%AlertRule' ORDER BY id")).ToArray());
        Assert.False(await Database.ScalarAsync<bool>("SELECT EXISTS (SELECT FROM alert_deliveries)"));
    }

    [Fact]
    public async Task What_is_not_allowed_is_named_and_nothing_typed_is_lost()
    {
        (string Field, string Value, string Reason)[] cases =
        [
            ("name", "", "needs a name"),
            ("kind", "nonsense", "'nonsense' is not a kind"),
            ("kind", "0", "'0' is not a kind"),
            ("users", "everybody", "'everybody' is not a group"),
            ("user", "nobody@example.test", "no user with the id or e-mail address 'nobody@example.test'"),
            ("threshold", "much", "'much' is not a threshold"),
            ("threshold", "", "is not a threshold"),
            ("threshold", "-1", "'-1' is not a threshold"),
            ("threshold", "0", "1 or more"),
            ("threshold", "1e30", "is not a threshold"),
            ("threshold", "99999999999999999999999999999999999999", "is not a threshold"),
            ("webhook", "ftp://example.test/", "allowed is https://host/path"),
            ("webhook", "http://example.test/", "allowed is https://host/path"),
            ("webhook", "https://user:password@example.test/", "allowed is https://host/path"),
            ("webhook", "/relative", "allowed is https://host/path"),
            ("webhook", "https://10.0.0.1/x", "leads into the site's own network"),
            ("webhook", "https://[::1]/x", "leads into the site's own network"),
            ("webhook", "http://localhost:1/x", "leads into the site's own network"),
        ];
        await using var site = await Site.StartAsync(Database);
        await Assert.AllAsync(cases, async @case =>
        {
            var (field, value, reason) = @case;
            Dictionary<string, string> typed = new()
            {
                ["name"] = "My rule",
                ["kind"] = "failures",
                ["users"] = "internal",
                ["user"] = "",
                ["threshold"] = "7",
                ["webhook"] = "https://example.test/hook",
                [field] = value,
            };
            using var owner = new Visit(site.Address, site.Cookie);
            using var answer = await owner.SubmitAsync(Page, "#add", [.. typed.Select(t => (t.Key, t.Value))]);
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
            var page = await Visit.ReadAsync(answer);
            Assert.Contains(reason, page.QuerySelector("#refused")!.TextContent, StringComparison.Ordinal);
            foreach (var (name, was) in typed)
            {
                var shown = page.QuerySelector($"#add [name={name}]")!;
                if (shown is IHtmlSelectElement select && select.Options.Any(o => o.Value == was))
                    Assert.Equal(was, select.Value);
                else if (shown is not IHtmlSelectElement)
                    Assert.Equal(was, shown.GetAttribute("value"));
            }
        });
        Assert.Equal(0L, await Database.ScalarAsync<long>("SELECT count(*) FROM alert_rules"));
        Assert.False(await Database.ScalarAsync<bool>("SELECT EXISTS (SELECT FROM audit_log WHERE action LIKE '%AlertRule')"));
    }

    [Fact]
    public async Task A_webhook_whose_address_is_too_long_once_it_is_written_in_ascii_is_refused()
    {
        await using var site = await Site.StartAsync(Database);
        using var owner = new Visit(site.Address, site.Cookie);
        using var answer = await owner.SubmitAsync(Page, "#add", ("name", "Long"), ("kind", "cost-per-hour"), ("threshold", "1"), ("webhook", "https://example.test/" + new string('é', 400)));
        Assert.Contains("of at most 2000 characters", (await Visit.ReadAsync(answer)).QuerySelector("#refused")!.TextContent, StringComparison.Ordinal);
        Assert.Empty(site.Logs.Errors);
    }

    [Fact]
    public async Task A_rule_that_somebody_removed_is_told_of_and_one_that_is_switched_off_ends_its_alerts()
    {
        var ann = await Database.AddUserAsync("Ann <i>");
        await Database.ExecuteAsync("INSERT INTO usage_logs (user_id, model, status) VALUES ($1, 'm', 'failed')", ann);
        await using var site = await Site.StartAsync(Database);
        using var owner = new Visit(site.Address, site.Cookie);
        var email = await Database.ScalarAsync<string>("SELECT email FROM users");
        await SubmitAsync(owner, "#add", ("name", "Ann fails"), ("kind", "failures"), ("threshold", "1"), ("user", email), ("webhook", "https://hooks.invalid/x"));
        await Eventually.TrueAsync(async () => (await owner.PageAsync(Page)).QuerySelector("#alerts .firing") is not null, "the alert shows");
        var page = await owner.PageAsync(Page);
        Assert.Equal("Ann <i>", page.QuerySelector($"#alerts a[href='/users/{ann}']")!.TextContent);
        Assert.Contains("1 failed in 60 minutes", page.QuerySelector("#alerts li")!.TextContent, StringComparison.Ordinal);
        Assert.Contains(email, page.QuerySelector("#rules small")!.TextContent, StringComparison.Ordinal);

        page = await SubmitAsync(owner, "#rules .switch");
        Assert.Null(page.QuerySelector("#alerts .firing"));
        await Eventually.TrueAsync(
            async () => (await owner.PageAsync(Page)).QuerySelector("#alerts small")!.TextContent.Contains("given up", StringComparison.Ordinal), "its delivery is given up");
        await SubmitAsync(owner, "#rules .switch");
        await Eventually.TrueAsync(async () => (await owner.PageAsync(Page)).QuerySelectorAll("#alerts li").Length == 2, "it fires again, as it is still true");

        var form = (IHtmlFormElement)(await owner.PageAsync(Page)).QuerySelector("#rules form")!;
        await Database.ExecuteAsync("DELETE FROM alert_rules");
        using var content = new FormUrlEncodedContent(form.QuerySelectorAll<IHtmlInputElement>("input").Select(i => KeyValuePair.Create(i.Name!, i.Value)));
        using var answer = await owner.SendAsync(HttpMethod.Post, form.GetAttribute("action")!, content);
        Assert.Contains("somebody removed it", (await Visit.ReadAsync(answer)).QuerySelector("#refused")!.TextContent, StringComparison.Ordinal);
        Assert.NotNull((await owner.PageAsync(Page)).QuerySelector("#no-alerts"));
    }

    [Fact]
    public async Task A_rule_is_edited_and_whoever_comes_later_is_told_what_it_says_now()
    {
        await using var site = await Site.StartAsync(Database);
        using var owner = new Visit(site.Address, site.Cookie);
        var secret = (await SubmitAsync(owner, "#add", ("name", "Cost"), ("kind", "cost-per-hour"), ("threshold", "12.5"), ("webhook", "https://hooks.invalid/x"))).QuerySelector("#new-secret")!.TextContent;
        var stale = (IHtmlFormElement)(await owner.PageAsync(Page)).QuerySelector("#rules .fields")!;
        var page = await SubmitAsync(owner, "#rules .fields", ("name", "Cost of staff"), ("threshold", "7"), ("users", "internal"));
        Assert.Equal("cost of this hour ≥ $7.00 · internal users", page.QuerySelector("#rules small")!.TextContent.Trim());
        Assert.Null(page.QuerySelector("#new-secret")); // the address is the same, and so is what it was told
        Assert.DoesNotContain(secret, page.Body!.TextContent, StringComparison.Ordinal);

        using var content = new FormUrlEncodedContent(stale.QuerySelectorAll<IHtmlInputElement>("input").Select(i => KeyValuePair.Create(i.Name!, i.Name == "name" ? "Mine" : i.Value)).Append(KeyValuePair.Create("users", "all")));
        using (var answer = await owner.SendAsync(HttpMethod.Post, stale.GetAttribute("action")!, content))
            page = await Visit.ReadAsync(answer);
        Assert.Contains("It is now 'Cost of staff': cost of this hour ≥ $7.00, internal users", page.QuerySelector("#refused")!.TextContent, StringComparison.Ordinal);
        Assert.Equal("Mine", page.QuerySelector<IHtmlInputElement>("#rules .fields [name=name]")!.Value);
        Assert.Equal("", page.QuerySelector<IHtmlInputElement>("#add [name=name]")!.Value);

        page = await SubmitAsync(owner, "#rules .fields", ("webhook", "https://hooks.invalid/y"));
        Assert.NotEqual(secret, page.QuerySelector("#new-secret")!.TextContent);
        Assert.Equal(
            [
                "Cost of staff: cost of this hour ≥ $12.50, all users → cost of this hour ≥ $7.00, internal users",
                "Cost of staff: cost of this hour ≥ $7.00, internal users → cost of this hour ≥ $7.00, internal users, another webhook",
            ],
            (await Database.RowsAsync("SELECT detail FROM audit_log WHERE action = 'ChangedAlertRule' ORDER BY id")).ToArray());
        using var bad = await owner.SubmitAsync(Page, "#rules .fields", ("threshold", "much"));
        Assert.Contains("'much' is not a threshold", (await Visit.ReadAsync(bad)).QuerySelector("#refused")!.TextContent, StringComparison.Ordinal);
    }

    [Fact]
    public async Task For_whom_a_rule_is_true_as_it_is_made_is_said_and_not_told()
    {
        var ann = await Database.AddUserAsync("Ann");
        await Database.AddPurchaseAsync(ann, 5, "completed");
        await using var site = await Site.StartAsync(Database);
        using var owner = new Visit(site.Address, site.Cookie);
        var page = await SubmitAsync(owner, "#add", ("name", "New customers"), ("kind", "first-payment"));
        Assert.Contains("true for 1 already", page.QuerySelector("#rules .about")!.TextContent, StringComparison.Ordinal);
        Assert.NotNull(page.QuerySelector("#no-alerts"));
    }

    private static async Task<IHtmlDocument> SubmitAsync(Visit visit, string form, params (string, string)[] fields)
    {
        using var answer = await visit.SubmitAsync(Page, form, fields);
        var page = await Visit.ReadAsync(answer);
        Assert.True(page.QuerySelector("#done") is not null, $"{answer.StatusCode}: {page.QuerySelector("#refused")?.TextContent}");
        return page;
    }
}

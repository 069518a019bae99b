using System.Net;
using System.Text.Json;
using UsageLogsSite.Data;
using UsageLogsSite.Tests.Support;

namespace UsageLogsSite.Tests.Pages.Users;

/// <summary>Decisions as a browser without a script sends them, and as the page's script does.</summary>
public sealed class DecideTests(PostgresCluster cluster) : SiteTest(cluster)
{
    [Fact]
    public async Task A_user_is_made_internal_and_it_is_written_down()
    {
        var ann = await Database.AddUserAsync("Ann");
        await using var site = await Site.StartAsync(Database);
        using var owner = new Visit(site.Address, site.Cookie);
        using var answer = await PressAsync(owner, ann, "#change-type");
        Assert.Equal((HttpStatusCode.Found, $"/users/{ann}"), (answer.StatusCode, answer.Headers.Location!.ToString()));
        Assert.Equal("internal", await Database.ScalarAsync<string>("SELECT user_type FROM users WHERE id = $1", ann));
        Assert.Equal("Internal", (await owner.PageAsync($"/users/{ann}")).QuerySelector("#user-type")!.TextContent);
        Assert.Equal(ann.ToString(), Assert.Single(await Database.RowsAsync("SELECT subject FROM audit_log WHERE action = 'ChangedUserType'")));
    }

    [Fact]
    public async Task Who_saw_an_older_row_is_told_what_changed_and_may_decide_the_same_again()
    {
        var ann = await Database.AddUserAsync("Ann");
        await using var site = await Site.StartAsync(Database);
        using var owner = new Visit(site.Address, site.Cookie);
        var (address, token) = await ButtonAsync(owner, ann, "#change-type");
        await Database.ExecuteAsync("UPDATE users SET name = 'Ann Lee' WHERE id = $1", ann);
        using var refused = await PostAsync(owner, address, token);
        var page = await Visit.ReadAsync(refused);
        Assert.Equal(HttpStatusCode.Conflict, refused.StatusCode);
        Assert.Contains("the name is 'Ann Lee' and the type external now", page.QuerySelector("#reason")!.TextContent, StringComparison.Ordinal);
        Assert.Equal("external", await Database.ScalarAsync<string>("SELECT user_type FROM users WHERE id = $1", ann));

        using var again = await PostAsync(owner, address.Split("&version=")[0], token, ("version", page.QuerySelector("#again")!.GetAttribute("value")!));
        Assert.Equal(HttpStatusCode.Found, again.StatusCode);
        Assert.Equal("internal", await Database.ScalarAsync<string>("SELECT user_type FROM users WHERE id = $1", ann));
    }

    [Fact]
    public async Task A_key_is_one_decision_however_often_and_from_however_many_browsers_it_is_sent()
    {
        var ann = await Database.AddUserAsync("Ann");
        await using var site = await Site.StartAsync(Database);
        using var owner = new Visit(site.Address, site.Cookie);
        var (address, token) = await ButtonAsync(owner, ann, "#add-note");
        var key = Guid.NewGuid().ToString();
        var answers = await Task.WhenAll(Enumerable.Range(0, 20).Select(async _ =>
        {
            using var answer = await PostAsync(owner, address, token, ("key", key), ("text", "Called her."));
            return answer.StatusCode;
        }));
        Assert.All(answers, status => Assert.Equal(HttpStatusCode.Found, status));
        Assert.Equal(1L, await Database.ScalarAsync<long>("SELECT count(*) FROM user_notes"));
        Assert.Equal(1L, await Database.ScalarAsync<long>("SELECT count(*) FROM audit_log WHERE action = 'AddedNote'"));

        var other = await JsonAsync(owner, address, token, ("key", key), ("text", "Something else."));
        Assert.Equal((HttpStatusCode.UnprocessableEntity, "The key of this decision belongs to another one: nothing is done."), (other.Status, other.Text));

        using var stranger = new Visit(site.Address, await site.SignInAsync(AccountRole.Owner));
        var (_, theirs) = await ButtonAsync(stranger, ann, "#add-note");
        Assert.Equal(HttpStatusCode.UnprocessableEntity, (await JsonAsync(stranger, address, theirs, ("key", key), ("text", "Called her."))).Status);
        Assert.Equal(1L, await Database.ScalarAsync<long>("SELECT count(*) FROM user_notes"));
    }

    [Fact]
    public async Task A_refund_leaves_revenue_and_only_a_completed_purchase_can_be_refunded()
    {
        var ann = await Database.AddUserAsync("Ann");
        var (paid, pending) = (await Database.AddPurchaseAsync(ann, 20, "completed"), await Database.AddPurchaseAsync(ann, 5, "pending"));
        await using var site = await Site.StartAsync(Database);
        using var owner = new Visit(site.Address, site.Cookie);
        var (_, token) = await ButtonAsync(owner, ann, "#add-note");
        var address = $"/users/{ann}/decide?handler=Refund";

        var version = await Database.ScalarAsync<string>("SELECT xmin::text FROM credit_purchases WHERE id = $1", paid);
        var done = await JsonAsync(owner, address, token, ("purchase", paid.ToString()), ("version", version));
        Assert.Equal((HttpStatusCode.OK, "The purchase of $20.00 is refunded."), (done.Status, done.Text));
        await Eventually.TrueAsync(async () => await Database.ScalarAsync<decimal>("SELECT revenue_usd FROM usage_totals WHERE user_id = $1", ann) == 0, "revenue has lost it");

        var refused = await JsonAsync(owner, address, token, ("purchase", pending.ToString()), ("version", await Database.ScalarAsync<string>("SELECT xmin::text FROM credit_purchases WHERE id = $1", pending)));
        Assert.Equal((HttpStatusCode.UnprocessableEntity, "Only a completed purchase can be refunded; this one is pending."), (refused.Status, refused.Text));
    }

    [Fact]
    public async Task A_deleted_log_leaves_all_sums_and_a_changed_one_stays()
    {
        var ann = await Database.AddUserAsync("Ann");
        var (one, two) = (await Database.AddLogAsync(ann), await Database.AddLogAsync(ann));
        await using var site = await Site.StartAsync(Database);
        using var owner = new Visit(site.Address, site.Cookie);
        var (_, token) = await ButtonAsync(owner, ann, "#add-note");
        var address = $"/users/{ann}/decide?handler=DeleteLog";
        var version = await Database.ScalarAsync<string>("SELECT xmin::text FROM usage_logs WHERE id = $1", two);
        await Database.ExecuteAsync("UPDATE usage_logs SET model = 'other' WHERE id = $1", two);
        var conflict = await JsonAsync(owner, address, token, ("log", two.ToString()), ("version", version));
        Assert.Equal(HttpStatusCode.Conflict, conflict.Status);
        Assert.Contains("its model is other now", conflict.Text, StringComparison.Ordinal);

        var done = await JsonAsync(owner, address, token, ("log", one.ToString()), ("version", await Database.ScalarAsync<string>("SELECT xmin::text FROM usage_logs WHERE id = $1", one)));
        Assert.Equal(HttpStatusCode.OK, done.Status);
        await Eventually.TrueAsync(async () => await Database.ScalarAsync<long>("SELECT requests FROM usage_totals WHERE user_id = $1", ann) == 1, "the sums have lost it");
    }

    [Fact]
    public async Task Only_owners_decide_and_what_cannot_be_read_is_no_decision()
    {
        var (ann, bob) = (await Database.AddUserAsync("Ann"), await Database.AddUserAsync("Bob"));
        var bobs = await Database.AddLogAsync(bob);
        await using var site = await Site.StartAsync(Database);
        using var owner = new Visit(site.Address, site.Cookie);
        var (_, token) = await ButtonAsync(owner, ann, "#add-note");
        foreach (var (handler, field, value) in new[]
        {
            ("Type", "type", "emperor"), ("Type", "type", "5"), ("Type", "type", ""), ("Type", "version", "-1"), ("Refund", "purchase", "x"), ("Refund", "version", "1"), ("DeleteLog", "log", ""),
            ("Note", "key", "not a key"), ("Note", "text", " "), ("Note", "text", new string('x', 2_001)),
        })
            Assert.Equal((field, value, HttpStatusCode.UnprocessableEntity), (field, value, (await JsonAsync(owner, $"/users/{ann}/decide?handler={handler}", token, ("version", "1"), (field, value))).Status));

        // Another user's log is none of this user's.
        await JsonAsync(owner, $"/users/{ann}/decide?handler=DeleteLog", token, ("log", bobs.ToString()), ("version", await Database.ScalarAsync<string>("SELECT xmin::text FROM usage_logs WHERE id = $1", bobs)));
        Assert.Equal(1L, await Database.ScalarAsync<long>("SELECT count(*) FROM usage_logs"));

        foreach (var role in new[] { AccountRole.Analyst, AccountRole.Member })
        {
            using var other = new Visit(site.Address, await site.SignInAsync(role, ann));
            var theirs = (await other.PageAsync("/usage")).QuerySelector("input[name=__RequestVerificationToken]")!.GetAttribute("value")!;
            using var answer = await PostAsync(other, $"/users/{ann}/decide?handler=Note", theirs, ("text", "mine"));
            Assert.Equal((role, HttpStatusCode.Forbidden), (role, answer.StatusCode));
        }

        Assert.Equal(0L, await Database.ScalarAsync<long>("SELECT count(*) FROM user_notes"));
    }

    [Theory]
    [InlineData("/usage?q=Ann", true)]
    [InlineData("/usage?q=ä", false)]
    [InlineData("//example.test/", false)]
    [InlineData("https://example.test/", false)]
    public async Task After_a_decision_the_owner_is_led_back_to_where_a_header_can_lead(string back, bool isTaken)
    {
        var ann = await Database.AddUserAsync("Ann");
        await using var site = await Site.StartAsync(Database);
        using var owner = new Visit(site.Address, site.Cookie);
        var (address, token) = await ButtonAsync(owner, ann, "#add-note");
        using var answer = await PostAsync(owner, address, token, ("text", "Called her."), ("back", back));
        Assert.Equal((HttpStatusCode.Found, isTaken ? back : $"/users/{ann}"), (answer.StatusCode, answer.Headers.Location?.ToString()));
    }

    [Fact]
    public async Task Members_see_no_notes_about_them()
    {
        var ann = await Database.AddUserAsync("Ann");
        await Database.ExecuteAsync("INSERT INTO user_notes (user_id, text, who) VALUES ($1, 'a difficult one', 'owner@example.test')", ann);
        await using var site = await Site.StartAsync(Database);
        Assert.Contains("a difficult one", await (await site.GetAsync($"/users/{ann}", await site.SignInAsync(AccountRole.Analyst))).Content.ReadAsStringAsync(Cancellation), StringComparison.Ordinal);
        Assert.DoesNotContain("a difficult one", await (await site.GetAsync("/usage", await site.SignInAsync(AccountRole.Member, ann))).Content.ReadAsStringAsync(Cancellation), StringComparison.Ordinal);
    }

    private static async Task<(string Address, string Token)> ButtonAsync(Visit visit, Guid user, string button)
    {
        var page = await visit.PageAsync($"/users/{user}");
        return (page.QuerySelector(button)!.GetAttribute("formaction")!, page.QuerySelector("#decide input[name=__RequestVerificationToken]")!.GetAttribute("value")!);
    }

    private static async Task<HttpResponseMessage> PressAsync(Visit visit, Guid user, string button)
    {
        var (address, token) = await ButtonAsync(visit, user, button);
        return await PostAsync(visit, address, token);
    }

    private static async Task<HttpResponseMessage> PostAsync(Visit visit, string address, string token, params (string Name, string Value)[] fields)
    {
        using var content = new FormUrlEncodedContent([.. fields.Select(f => KeyValuePair.Create(f.Name, f.Value)), KeyValuePair.Create("__RequestVerificationToken", token)]);
        return await visit.SendAsync(HttpMethod.Post, address, content);
    }

    private static async Task<(HttpStatusCode Status, string Text)> JsonAsync(Visit visit, string address, string token, params (string Name, string Value)[] fields)
    {
        var last = fields.GroupBy(f => f.Name).Select(g => g.Last());
        using var content = new FormUrlEncodedContent([.. last.Select(f => KeyValuePair.Create(f.Name, f.Value)), KeyValuePair.Create("__RequestVerificationToken", token)]);
        using var answer = await visit.SendAsync(HttpMethod.Post, address, content, ("Accept", "application/json"));
        using var json = JsonDocument.Parse(await answer.Content.ReadAsStringAsync(Cancellation));
        return (answer.StatusCode, json.RootElement.GetProperty("text").GetString()!);
    }
}

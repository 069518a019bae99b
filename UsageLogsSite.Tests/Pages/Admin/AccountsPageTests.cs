using System.Net;
using AngleSharp.Html.Dom;
using Microsoft.Extensions.DependencyInjection;
using UsageLogsSite.Access;
using UsageLogsSite.Data;
using UsageLogsSite.Tests.Support;

namespace UsageLogsSite.Tests.Pages.Admin;

/// <summary>What owners do with accounts, and what the audit log says of it.</summary>
public sealed class AccountsPageTests(PostgresCluster cluster) : SiteTest(cluster)
{
    private const string Page = "/admin/accounts";

    [Fact]
    public async Task An_owner_adds_a_member_of_a_user_who_then_signs_in_with_the_password_shown_once()
    {
        var user = await Database.AddUserAsync("Ann");
        var email = await Database.ScalarAsync<string>("SELECT email FROM users WHERE id = $1", user);
        await using var site = await Site.StartAsync(Database);
        using var owner = new Visit(site.Address, site.Cookie);
        var answer = await SubmitAsync(owner, "#add", ("email", "ann@example.test"), ("role", "Member"), ("user", email));
        var password = answer.QuerySelector("#new-password")!.TextContent;
        Assert.InRange(password.Length, 20, 40);
        Assert.DoesNotContain(password, (await owner.PageAsync(Page)).Body!.TextContent, StringComparison.Ordinal);
        using var member = new Visit(site.Address);
        await member.SignInAsync("ann@example.test", password);
        Assert.Equal($"Member|{user}", Assert.Single(await Database.RowsAsync("SELECT initcap(role), user_id FROM accounts WHERE email = 'ann@example.test'")));

        Assert.Contains("already", await RefusedAsync(owner, "#add", ("email", "ANN@example.test"), ("role", "Analyst")), StringComparison.Ordinal);
        Assert.Contains("e-mail address", await RefusedAsync(owner, "#add", ("email", "no address"), ("role", "Analyst")), StringComparison.Ordinal);
        Assert.Contains("no user", await RefusedAsync(owner, "#add", ("email", "b@example.test"), ("role", "Member"), ("user", "nobody@example.test")), StringComparison.Ordinal);
        Assert.Contains("Only members", await RefusedAsync(owner, "#add", ("email", "b@example.test"), ("role", "Owner"), ("user", email)), StringComparison.Ordinal);
        await RefusedAsync(owner, "#add", ("email", "b@example.test"), ("role", "Emperor"));
        Assert.Equal(2L, await Database.ScalarAsync<long>("SELECT count(*) FROM accounts"));
        Assert.Equal([$"ann@example.test: member of {user}"], (await Database.RowsAsync("SELECT detail FROM audit_log WHERE action = 'AddedAccount'")).ToArray());
    }

    [Fact]
    public async Task A_changed_account_is_written_down_with_what_it_was_and_disabling_ends_its_sessions()
    {
        await using var site = await Site.StartAsync(Database);
        var bob = await site.AddAccountAsync(AccountRole.Analyst);
        using var visit = new Visit(site.Address, await site.SignInAsync(bob));
        await visit.PageAsync("/usage");
        using var owner = new Visit(site.Address, site.Cookie);
        var form = $"[data-account-id='{bob.Id}'] .change";
        await SubmitAsync(owner, form, ("role", "Owner"));
        await SubmitAsync(owner, form); // nothing changes
        await SubmitAsync(owner, form, ("disabled", "true"));
        using (var out1 = await visit.GetAsync("/usage"))
            Assert.Equal(HttpStatusCode.Redirect, out1.StatusCode);
        await SubmitAsync(owner, form, ("role", "Member"), ("disabled", "false"));
        using (var out2 = await visit.GetAsync("/usage"))
            Assert.Equal(HttpStatusCode.Redirect, out2.StatusCode); // what was ended stays ended
        Assert.Equal(
            ["analyst → owner", "owner → owner, disabled", "owner, disabled → member"],
            (await Database.RowsAsync("SELECT split_part(detail, ': ', 2) FROM audit_log WHERE action = 'ChangedAccount' ORDER BY id")).ToArray());
    }

    [Fact]
    public async Task The_last_owner_who_can_sign_in_stays_one_even_if_two_take_each_others_rights_at_once()
    {
        await using var site = await Site.StartAsync(Database);
        var me = await Database.ScalarAsync<Guid>("SELECT id FROM accounts");
        using var owner = new Visit(site.Address, site.Cookie);
        Assert.Contains("last owner", await RefusedAsync(owner, $"[data-account-id='{me}'] .change", ("role", "Analyst")), StringComparison.Ordinal);
        Assert.Contains("last owner", await RefusedAsync(owner, $"[data-account-id='{me}'] .change", ("disabled", "true")), StringComparison.Ordinal);

        var other = await site.AddAccountAsync(AccountRole.Owner);
        await Task.WhenAll(DemoteAsync(site, other.Id), DemoteAsync(site, me));
        Assert.Equal(1L, await Database.ScalarAsync<long>("SELECT count(*) FROM accounts WHERE role = 'owner'"));
    }

    [Fact]
    public async Task Sessions_are_ended_and_passwords_made_anew()
    {
        await using var site = await Site.StartAsync(Database);
        var bob = await site.AddAccountAsync(AccountRole.Analyst);
        using var owner = new Visit(site.Address, site.Cookie);
        foreach (var button in new[] { ".end", ".reset" })
        {
            using var visit = new Visit(site.Address, await site.SignInAsync(bob));
            await visit.PageAsync("/usage");
            var answer = await SubmitAsync(owner, $"[data-account-id='{bob.Id}'] {button}");
            using var gone = await visit.GetAsync("/usage");
            Assert.Equal(HttpStatusCode.Redirect, gone.StatusCode);
            if (answer.QuerySelector("#new-password") is { } password)
                await visit.SignInAsync(bob.Email!, password.TextContent);
        }
    }

    [Fact]
    public async Task The_audit_log_is_paged_by_its_newest_and_found_by_action_and_person()
    {
        await using var site = await Site.StartAsync(Database);
        await Database.ExecuteAsync(
            "INSERT INTO audit_log (who, action, subject, detail, address) SELECT CASE WHEN i % 2 = 0 THEN 'ann@example.test' ELSE 'b_b@example.test' END, 'SignedIn', '', i::text, '<img src=x onerror=alert(1)>' FROM generate_series(1, 130) i");
        using var owner = new Visit(site.Address, site.Cookie);
        var page = await owner.PageAsync("/admin/audit");
        List<int> rows = [];
        for (var pages = 0; ; pages++)
        {
            rows.Add(page.QuerySelectorAll("#audit tbody tr").Length);
            await Database.ExecuteAsync("INSERT INTO audit_log (who, action, subject, detail, address) VALUES ('c@example.test', 'SignedOut', '', '', '')");
            if (page.QuerySelector("#older") is not { } older)
                break;
            page = await owner.PageAsync(older.GetAttribute("href")!);
        }

        Assert.Equal([50, 50, 30], rows);
        Assert.Equal(50, (await owner.PageAsync("/admin/audit?who=ANN@")).QuerySelectorAll(".who-cell").Count(c => c.TextContent == "ann@example.test"));
        Assert.Empty((await owner.PageAsync("/admin/audit?who=n_n")).QuerySelectorAll(".who-cell"));
        Assert.Equal(3, (await owner.PageAsync("/admin/audit?action=SignedOut")).QuerySelectorAll(".who-cell").Length);
        foreach (var odd in new[] { "?action=99", "?action=Nonsense", "?before=-1", "?before=99999999999999999999", "?who=%00", "?who=%5C", "?before=x&action=&who=" })
            await owner.PageAsync("/admin/audit" + odd);
        Assert.Empty((await owner.PageAsync("/admin/audit")).QuerySelectorAll("img"));
        await Assert.ThrowsAsync<Npgsql.PostgresException>(() => Database.ExecuteAsync("UPDATE audit_log SET who = ''"));
        await Assert.ThrowsAsync<Npgsql.PostgresException>(() => Database.ExecuteAsync("DELETE FROM audit_log"));
    }

    private static async Task<IHtmlDocument> SubmitAsync(Visit visit, string form, params (string, string)[] fields)
    {
        using var answer = await visit.SubmitAsync(Page, form, fields);
        var page = await Visit.ReadAsync(answer);
        Assert.True(page.QuerySelector("#done") is not null, $"{answer.StatusCode}: {page.QuerySelector("#refused")?.TextContent}");
        return page;
    }

    private static async Task DemoteAsync(Site site, Guid id)
    {
        await using var scope = site.Services.CreateAsyncScope();
        try
        {
            await scope.ServiceProvider.GetRequiredService<Accounts>().ChangeAsync(id, a => a.Role = AccountRole.Member, Cancellation);
        }
        catch (AccountException)
        {
            // The other was quicker.
        }
    }

    private static async Task<string> RefusedAsync(Visit visit, string form, params (string, string)[] fields)
    {
        using var answer = await visit.SubmitAsync(Page, form, fields);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        return (await Visit.ReadAsync(answer)).QuerySelector("#refused")!.TextContent;
    }
}

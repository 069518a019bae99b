using UsageLogsSite.Tests.Support;
using static Microsoft.Playwright.Assertions;

namespace UsageLogsSite.Tests.Browser;

/// <summary>Decisions show at once, survive what happens to the connection, the page and the server, and are carried out once.</summary>
public sealed class DecideTests(PostgresCluster cluster, Chromium chromium) : SiteTest(cluster)
{
    [Fact]
    public async Task A_decision_shows_at_once_and_is_confirmed_without_a_reload()
    {
        var ann = await Database.AddUserAsync("Ann");
        await using var site = await Site.StartAsync(Database);
        await using var window = await OpenAsync(site, ann);
        var held = new TaskCompletionSource();
        await window.Page.RouteAsync("**/decide**", async route =>
        {
            await held.Task;
            await route.ContinueAsync();
        });
        await window.Page.ClickAsync("#change-type");
        await Expect(window.Page.Locator("#user-type.pending")).ToHaveTextAsync("Internal");
        Assert.Equal("external", await TypeAsync(ann));
        held.SetResult();
        await Expect(window.Page.Locator("#decisions")).ToContainTextAsync("is internal now");
        await Expect(window.Page.Locator("#user-type:not(.pending)")).ToHaveTextAsync("Internal");
        await Expect(window.Page.Locator("#change-type")).ToHaveTextAsync("Make external"); // the page's own refresh
        Assert.Equal("internal", await TypeAsync(ann));
        Assert.Empty(window.Errors);
    }

    [Fact]
    public async Task A_conflict_takes_it_back_says_what_changed_and_offers_it_again()
    {
        var ann = await Database.AddUserAsync("Ann");
        await using var site = await Site.StartAsync(Database);
        await using var window = await OpenAsync(site, ann);
        await window.Page.RouteAsync("**/table**", route => route.AbortAsync()); // what this owner sees stays as it is
        await Database.ExecuteAsync("UPDATE users SET name = 'Ann Lee' WHERE id = $1", ann);
        await window.Page.ClickAsync("#change-type");
        var conflict = window.Page.Locator("#decisions [data-state=conflict]");
        await Expect(conflict).ToContainTextAsync("the name is 'Ann Lee'");
        await Expect(window.Page.Locator("#user-type")).ToHaveTextAsync("External");
        Assert.Equal("external", await TypeAsync(ann));
        await window.Page.ReloadAsync();
        await Expect(conflict).ToContainTextAsync("the name is 'Ann Lee'"); // never dropped silently
        await window.Page.GetByRole(Microsoft.Playwright.AriaRole.Button, new() { Name = "Do it all the same" }).ClickAsync();
        await Eventually.TrueAsync(async () => await TypeAsync(ann) == "internal", "it is carried out");
        await Expect(conflict).ToHaveCountAsync(0);
    }

    [Fact]
    public async Task What_is_decided_offline_waits_over_a_reload_and_a_restart_and_is_carried_out_once_and_in_order()
    {
        var ann = await Database.AddUserAsync("Ann");
        var first = await Site.StartAsync(Database);
        await using var proxy = new FaultProxy("127.0.0.1", first.Address.Port);
        await using var window = await chromium.OpenAsync(first, $"/users/{ann}", new() { BaseURL = proxy.Address.ToString() });
        await window.LiveAsync();
        await window.Page.ClickAsync("#about summary");
        await Expect(window.Page.Locator("#decisions")).ToBeAttachedAsync();

        // The first reaches the server, whose answer is lost: nobody here can know that it is done.
        await window.Page.RouteAsync("**/decide**", async route =>
        {
            await route.FetchAsync();
            await route.AbortAsync();
        }, new() { Times = 1 });
        await NoteAsync(window, "one");
        await Eventually.TrueAsync(async () => await NotesAsync() == "one", "the first note is there");
        await window.Context.SetOfflineAsync(true);
        await NoteAsync(window, "two");
        await NoteAsync(window, "three");
        await Expect(window.Page.Locator("#decisions li[data-state=waiting]")).ToHaveCountAsync(3);
        await Expect(window.Page.Locator("#notes li.pending").Last).ToHaveTextAsync("three");
        await Expect(window.Page.Locator("#live-status")).ToHaveAttributeAsync("data-state", "offline");

        await first.DisposeAsync();
        await using var second = await Site.StartAsync(Database);
        proxy.LeadTo("127.0.0.1", second.Address.Port);
        await window.Context.SetOfflineAsync(false);
        await window.Page.GotoAsync("/usage"); // another page of the site sends them too
        await Eventually.TrueAsync(async () => await Database.ScalarAsync<long>("SELECT count(*) FROM user_notes") == 3, "all are sent"); // none waits before their script has come, either
        await Expect(window.Page.Locator("#decisions li[data-state=waiting]")).ToHaveCountAsync(0);
        Assert.Equal("one two three", await NotesAsync());
        await window.Page.GotoAsync($"/users/{ann}");
        await window.Page.ClickAsync("#about summary");
        await Expect(window.Page.Locator("#notes li")).ToHaveCountAsync(3);
        Assert.Equal(3L, await Database.ScalarAsync<long>("SELECT count(*) FROM audit_log WHERE action = 'AddedNote'"));
    }

    [Fact]
    public async Task A_refusal_takes_it_back_with_its_reason_and_the_keyboard_is_enough()
    {
        var ann = await Database.AddUserAsync("Ann");
        await using var site = await Site.StartAsync(Database);
        await using var window = await OpenAsync(site, ann);
        await window.Page.RouteAsync("**/table**", route => route.AbortAsync());
        await Database.ExecuteAsync("DELETE FROM users WHERE id = $1", ann);
        await window.Page.FocusAsync("#change-type");
        await window.Page.Keyboard.PressAsync("Enter");
        await Expect(window.Page.Locator("#decisions [data-state=refused]")).ToContainTextAsync("This user is gone.");
        await Expect(window.Page.Locator("#user-type")).ToHaveTextAsync("External");
        await window.Page.GetByRole(Microsoft.Playwright.AriaRole.Button, new() { Name = "Dismiss" }).ClickAsync();
        await Expect(window.Page.Locator("#decisions li")).ToHaveCountAsync(0);
    }

    [Fact]
    public async Task A_refund_and_a_deletion_are_asked_for_twice_and_go_through_all_sums()
    {
        var ann = await Database.AddUserAsync("Ann");
        var purchase = await Database.AddPurchaseAsync(ann, 20, "completed");
        var log = await Database.AddLogAsync(ann);
        await using var site = await Site.StartAsync(Database);
        await using var window = await chromium.OpenAsync(site, $"/users/{ann}");
        await window.LiveAsync();
        await window.Page.ClickAsync($"#purchase-{purchase} summary");
        await Expect(window.Page.Locator("#decisions")).ToBeAttachedAsync();
        await window.Page.ClickAsync($"#purchase-{purchase} button");
        await Expect(window.Page.Locator("#total-revenue")).ToHaveTextAsync("$0.00");
        await Expect(window.Page.Locator($"#purchase-{purchase} .standing")).ToHaveTextAsync("Refunded");
        await Expect(window.Page.Locator($"#purchase-{purchase} summary")).ToHaveCountAsync(0);

        await window.Page.GotoAsync($"/users/{ann}/logs/{log}");
        await window.Page.ClickAsync(".decide summary");
        await Expect(window.Page.Locator("#decisions")).ToBeAttachedAsync();
        await window.Page.ClickAsync("#delete-log");
        await Expect(window.Page.Locator("#decisions")).ToContainTextAsync("The log is deleted.");
        await window.Page.ClickAsync("#back");
        await Expect(window.Page.Locator("#total-requests")).ToHaveTextAsync("0");
        Assert.Empty(window.Errors);
    }

    private async Task<Window> OpenAsync(Site site, Guid user)
    {
        var window = await chromium.OpenAsync(site, $"/users/{user}");
        await window.LiveAsync();
        await window.Page.ClickAsync("#about summary");
        await Expect(window.Page.Locator("#decisions")).ToBeAttachedAsync(); // its script has come
        return window;
    }

    private static async Task NoteAsync(Window window, string text)
    {
        await window.Page.FillAsync("#note", text);
        await window.Page.ClickAsync("#add-note");
    }

    private Task<string> TypeAsync(Guid user) => Database.ScalarAsync<string>("SELECT user_type FROM users WHERE id = $1", user);

    private Task<string> NotesAsync() => Database.ScalarAsync<string>("SELECT coalesce(string_agg(text, ' ' ORDER BY created_at), '') FROM user_notes");
}

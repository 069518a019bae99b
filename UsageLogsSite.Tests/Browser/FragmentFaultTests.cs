using System.Text;
using System.Text.RegularExpressions;
using UsageLogsSite.Tests.Support;
using static Microsoft.Playwright.Assertions;

namespace UsageLogsSite.Tests.Browser;

/// <summary>Whatever comes instead of fresh rows, the old ones stay whole, the page says so, and nothing turns for ever.</summary>
public sealed class FragmentFaultTests(PostgresCluster cluster, Chromium chromium) : SiteTest(cluster)
{
    [Theory]
    [InlineData("500")]
    [InlineData("429")]
    [InlineData("nothing")]
    [InlineData("half")]
    [InlineData("half of unknown length")]
    [InlineData("another page")]
    public async Task An_answer_that_fails_keeps_the_rows_says_so_and_recovers_by_itself(string fault)
    {
        var ann = await Database.AddUserAsync("Ann");
        await Database.AddUsersAsync(30);
        await using var site = await Site.StartAsync(Database);
        await using var proxy = new FaultProxy(site.Address.Host, site.Address.Port);
        await using var window = await chromium.OpenAsync(site, "/usage?sort=name&dir=asc", new() { BaseURL = proxy.Address.ToString() });
        await window.LiveAsync();
        var rows = await RowsAsync(window);
        Assert.Equal(25, rows.Length);

        proxy.Spoil("/usage/table", answer => Spoil(answer, fault));
        await Database.AddLogAsync(ann);
        await AssertToldAsync(window, "syncing", rows);
        await window.Page.ClickAsync("#refresh-now");
        await AssertToldAsync(window, "loading", rows);

        proxy.SpoilNothing();
        await Expect(window.Row(ann).Locator("td.requests")).ToHaveTextAsync("1", new() { Timeout = 20_000 });
        await Expect(window.Page.Locator("#problem")).ToBeEmptyAsync();
        await Expect(window.Page.Locator("#syncing")).ToBeHiddenAsync();
        await Expect(window.Page.Locator("#loading")).ToBeHiddenAsync();
        await window.LiveAsync();
    }

    private static byte[] Spoil(byte[] answer, string fault)
    {
        var text = Encoding.Latin1.GetString(answer);
        var body = text.IndexOf("\r\n\r\n", StringComparison.Ordinal) + 4;
        var half = body + (text.Length - body) / 2;
        return Encoding.Latin1.GetBytes(fault switch
        {
            "nothing" => "",
            "half" => text[..half],
            "half of unknown length" => Regex.Replace(text[..half], @"Content-Length: \d+\r\n", "Connection: close\r\n"),
            "another page" => Answer("200 OK", "<h1>Welcome to this hotel's network</h1>"),
            _ => Answer($"{fault} No", "<p>Not now. The rows below are as of <span id=\"problem-time\"></span></p>"),
        });
    }

    private static string Answer(string status, string body) =>
        $"HTTP/1.1 {status}\r\nContent-Type: text/html\r\nContent-Length: {body.Length}\r\nConnection: close\r\n\r\n{body}";

    private static async Task AssertToldAsync(Window window, string indicator, string[] rows)
    {
        await window.UntilAsync($"seen.includes('{indicator} off')");
        await Expect(window.Page.Locator("#problem")).ToContainTextAsync(new Regex(@"rows below are as of \d\d:\d\d:\d\d"), new() { Timeout = 20_000 });
        await Expect(window.Page.Locator("#live-status")).ToHaveAttributeAsync("data-state", "reconnecting");
        await Expect(window.Page.Locator("#syncing")).ToBeHiddenAsync();
        await Expect(window.Page.Locator("#loading")).ToBeHiddenAsync();
        Assert.Equal(rows, await RowsAsync(window));
    }

    private static Task<string[]> RowsAsync(Window window) =>
        window.Page.EvaluateAsync<string[]>("[...document.querySelectorAll('tr[data-user-id]')].map(row => row.textContent)");
}

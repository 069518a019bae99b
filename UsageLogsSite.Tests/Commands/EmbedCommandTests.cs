using System.Net;
using System.Text.RegularExpressions;
using UsageLogsSite.Commands;
using UsageLogsSite.Tests.Support;

namespace UsageLogsSite.Tests.Commands;

public sealed class EmbedCommandTests(PostgresCluster cluster) : SiteTest(cluster)
{
    [Fact]
    public async Task A_widget_is_made_listed_and_revoked()
    {
        await using var site = await Site.StartAsync(Database);
        var made = await RunAsync("create", "--name", "Ours", "--filter", "type=external&size=10", "--columns", "requests", "cost", "--origin", "https://shop.example", "--theme", "dark");
        Assert.Equal((CommandLine.Done, ""), (made.ExitCode, made.Error));
        var path = Regex.Match(made.Output, "/embed/[A-Za-z0-9_-]{43}").Value;
        using var nobody = new Visit(site.Address);
        Assert.Equal("Ours", (await nobody.PageAsync(path)).QuerySelector("h1")!.TextContent);

        var listed = await RunAsync("list");
        Assert.Contains("open      Ours  /usage?type=external&size=10  https://shop.example", listed.Output, StringComparison.Ordinal);
        Assert.DoesNotContain(path["/embed/".Length..], listed.Output, StringComparison.Ordinal);
        var id = listed.Output.Split(' ')[0];
        Assert.Equal(CommandLine.Done, (await RunAsync("revoke", "--id", id)).ExitCode);
        Assert.Equal(CommandLine.Trouble, (await RunAsync("revoke", "--id", id)).ExitCode);
        Assert.Equal(
            [$"AddedEmbed|{id}|Ours: /usage?type=external&size=10 https://shop.example|", $"RevokedEmbed|{id}|Ours: /usage?type=external&size=10 https://shop.example|"],
            await Database.RowsAsync("SELECT action, subject, detail, who FROM audit_log ORDER BY id"));
        using var gone = await nobody.GetAsync(path);
        Assert.Equal(HttpStatusCode.NotFound, gone.StatusCode);
    }

    [Fact]
    public async Task A_widget_for_each_viewer_prints_a_secret_that_the_site_takes()
    {
        var ann = await Database.AddUserAsync("Ann");
        await using var site = await Site.StartAsync(Database);
        var made = await RunAsync("create", "--name", "Yours", "--per-viewer", "--filter", "period=30d", "--origin", "https://shop.example");
        Assert.Equal((CommandLine.Done, ""), (made.ExitCode, made.Error));
        var secret = Regex.Match(made.Output, "USAGE_EMBED_SECRET=([A-Za-z0-9_-]{43})").Groups[1].Value;
        var id = Guid.Parse(Regex.Match(made.Output, "USAGE_EMBED_ID=(.+)").Groups[1].Value);
        Assert.Contains("data-usage-renew", made.Output, StringComparison.Ordinal);
        using var nobody = new Visit(site.Address);
        Assert.Equal("Yours", (await nobody.PageAsync(new ViewerWidget(id, secret).PathOf(ann))).QuerySelector("h1")!.TextContent);

        var listed = await RunAsync("list");
        Assert.Contains($"{id}  open      Yours  each viewer?period=30d  https://shop.example", listed.Output, StringComparison.Ordinal);
        Assert.DoesNotContain(secret, listed.Output, StringComparison.Ordinal);
        var both = await RunAsync("create", "--name", "Yours", "--per-viewer", "--user", ann.ToString());
        Assert.Equal(CommandLine.Trouble, both.ExitCode);
        Assert.Contains("exclude each other", both.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_is_not_allowed_is_said()
    {
        var ran = await RunAsync("create", "--name", "Ours", "--origin", "https://*.example");
        Assert.Equal(CommandLine.Trouble, ran.ExitCode);
        Assert.Contains("'https://*.example' is not an origin; allowed is", ran.Error, StringComparison.Ordinal);
    }

    private Task<CommandRun> RunAsync(params string[] words) =>
        CommandRun.RunAsync(["embed", .. words, $"--ConnectionStrings:UsageLogs={Database.ConnectionString}"]);
}

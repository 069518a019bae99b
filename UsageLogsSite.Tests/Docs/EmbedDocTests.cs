using System.Diagnostics;
using System.Globalization;
using System.Security.Claims;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using UsageLogsSite.Tests.Support;

namespace UsageLogsSite.Tests.Docs;

/// <summary>What <c>docs/embed.md</c> says is what works: its snippets are run.</summary>
public sealed class EmbedDocTests(PostgresCluster cluster) : SiteTest(cluster)
{
    private static readonly string Document = File.ReadAllText(Path.Combine(Repository.Root, "docs", "embed.md"));

    [Fact]
    public async Task The_snippet_for_node_signs_what_the_site_takes()
    {
        var ann = await Database.AddUserAsync("Ann");
        await Database.AddLogAsync(ann);
        await using var site = await Site.StartAsync(Database);
        var widget = await site.AddViewerWidgetAsync();
        var snippet = Regex.Matches(Document, "```js\n(.*?)```", RegexOptions.Singleline).Select(m => m.Groups[1].Value).Single(code => code.Contains("createHmac", StringComparison.Ordinal));
        var token = await NodeAsync($"{snippet}\nprocess.stdout.write(usageToken(\"{ann}\"));", ("USAGE_EMBED_ID", widget.Id.ToString()), ("USAGE_EMBED_SECRET", widget.Secret));
        using var nobody = new Visit(site.Address);
        Assert.Equal("1", (await nobody.PageAsync("/embed/" + token)).QuerySelector("#total-requests")!.TextContent);
    }

    [Fact]
    public async Task The_snippet_for_asp_net_signs_what_the_site_takes_and_for_nobody_else()
    {
        var source = await File.ReadAllTextAsync(Path.Combine(Repository.Root, "UsageLogsSite.Tests", "Docs", "UsageTokenSnippet.cs"), Cancellation);
        Assert.Contains(source[source.IndexOf("internal static class", StringComparison.Ordinal)..].TrimEnd(), Document, StringComparison.Ordinal);

        var ann = await Database.AddUserAsync("Ann");
        await Database.AddLogAsync(ann);
        await using var site = await Site.StartAsync(Database);
        var widget = await site.AddViewerWidgetAsync();
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        (builder.Configuration["USAGE_EMBED_ID"], builder.Configuration["USAGE_EMBED_SECRET"]) = (widget.Id.ToString(), widget.Secret);
        await using var shop = builder.Build();
        shop.Use((http, next) =>
        {
            if (http.Request.Headers["Signed-In"].ToString() is { Length: > 0 } id)
                http.User = new ClaimsPrincipal(new ClaimsIdentity([new Claim(ClaimTypes.NameIdentifier, id)], "test"));
            return next(http);
        });
        shop.MapUsageToken();
        await shop.StartAsync(Cancellation);
        using var client = new HttpClient { BaseAddress = new Uri(shop.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single()) };
        using var refused = await client.GetAsync(new Uri(HostPage.TokenPath, UriKind.Relative), Cancellation);
        Assert.Equal(System.Net.HttpStatusCode.Unauthorized, refused.StatusCode);
        client.DefaultRequestHeaders.Add("Signed-In", ann.ToString());
        var token = await client.GetStringAsync(new Uri(HostPage.TokenPath, UriKind.Relative), Cancellation);
        using var nobody = new Visit(site.Address);
        Assert.Equal("1", (await nobody.PageAsync("/embed/" + token)).QuerySelector("#total-requests")!.TextContent);
    }

    [Fact]
    public void It_says_how_large_the_script_is()
    {
        var script = File.ReadAllBytes(Path.Combine(Repository.Root, "wwwroot", "js", "embed.js"));
        using var packed = new MemoryStream();
        using (var brotli = new System.IO.Compression.BrotliStream(packed, System.IO.Compression.CompressionLevel.SmallestSize, leaveOpen: true))
            brotli.Write(script);
        Assert.True(packed.Length < 1024, $"{packed.Length} bytes compressed");
        Assert.Contains(string.Create(CultureInfo.InvariantCulture, $"{script.Length:N0} bytes, compressed {packed.Length}"), Document, StringComparison.Ordinal);
    }

    private static async Task<string> NodeAsync(string module, params (string Name, string Value)[] environment)
    {
        var start = new ProcessStartInfo("node", ["--input-type=module"]);
        foreach (var (name, value) in environment)
            start.Environment[name] = value;
        var ran = await ProcessRun.OfAsync(start, module);
        Assert.Equal((0, ""), (ran.ExitCode, ran.Error));
        return ran.Output;
    }
}

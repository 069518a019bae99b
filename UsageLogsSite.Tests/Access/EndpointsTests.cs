using System.Net;
using Microsoft.AspNetCore.Mvc.RazorPages;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Routing.Patterns;
using Microsoft.Extensions.DependencyInjection;
using UsageLogsSite.Data;
using UsageLogsSite.Tests.Support;

namespace UsageLogsSite.Tests.Access;

/// <summary>Every endpoint there is, and every one to come, is looked at: none is open, or takes a change from elsewhere, by being forgotten.</summary>
public sealed class EndpointsTests(PostgresCluster cluster) : SiteTest(cluster)
{
    /// <summary>What anybody may see; the description of the ingest API says nothing that the source does not. Whoever adds to this list says why in the same commit.</summary>
    private static readonly string[] Open = ["/health/live", "/health/ready", "/account/sign-in", "/account/link/x", "/error", "/error/404", "/openapi/x"];

    private static readonly string[] Assets = ["/css/", "/js/", "/lib/", "/favicon"];

    [Fact]
    public async Task Who_is_not_signed_in_sees_nothing_but_a_short_list()
    {
        await Database.AddUserAsync("Ann Secret");
        await using var site = await Site.StartAsync(Database);
        using var nobody = new Visit(site.Address);
        var addresses = Addresses(site).Except(Open).ToList();
        Assert.Contains("/usage", addresses);
        Assert.Contains("/admin/accounts", addresses);
        foreach (var address in addresses.Append("/nothing-here").Append("/api/nothing-here"))
        {
            using var page = await nobody.GetAsync(address);
            Assert.True(page.StatusCode is HttpStatusCode.Redirect or HttpStatusCode.Unauthorized or HttpStatusCode.NotFound or HttpStatusCode.MethodNotAllowed, $"{address} was answered with {page.StatusCode}.");
            if (page.StatusCode == HttpStatusCode.Redirect)
                Assert.Equal($"/account/sign-in?returnUrl={Uri.EscapeDataString(address)}", page.Headers.Location!.PathAndQuery);
            Assert.True(page.Headers.CacheControl?.NoStore, $"{address} may be kept.");
            Assert.DoesNotContain("Ann Secret", await page.Content.ReadAsStringAsync(Cancellation), StringComparison.Ordinal);

            using var script = await nobody.GetAsync(address, ("HX-Request", "true"));
            Assert.True(script.StatusCode is HttpStatusCode.Unauthorized or HttpStatusCode.NotFound, $"{address} was answered with {script.StatusCode}.");
            Assert.Null(script.Headers.Location);
        }
    }

    [Fact]
    public async Task No_change_is_taken_that_was_not_sent_from_one_of_our_pages()
    {
        await using var site = await Site.StartAsync(Database);
        var handlers = Handlers(site).ToList();
        Assert.Contains("/account/sign-out", handlers);
        Assert.Contains("/admin/accounts?handler=Add", handlers);
        Assert.Contains("/admin/rollup?handler=Verify", handlers);
        foreach (var handler in handlers)
        {
            using var owner = new Visit(site.Address, handler.StartsWith("/account/sign-in", StringComparison.Ordinal) ? null : site.Cookie);
            using var content = new FormUrlEncodedContent([new("__RequestVerificationToken", "made-up"), new("email", "eve@example.test"), new("role", "Owner")]);
            using var answer = await owner.SendAsync(HttpMethod.Post, handler, content, ("Origin", "https://evil.example"));
            Assert.True(answer.StatusCode == HttpStatusCode.BadRequest, $"{handler} was answered with {answer.StatusCode}.");
            using var script = await owner.SendAsync(HttpMethod.Post, handler, content: null, ("HX-Request", "true"));
            Assert.True(script.StatusCode == HttpStatusCode.BadRequest, $"{handler} was answered with {script.StatusCode}.");
        }

        Assert.Equal(1L, await Database.ScalarAsync<long>("SELECT count(*) FROM accounts"));
        Assert.Equal(1L, await Database.ScalarAsync<long>("SELECT count(*) FROM sessions"));
    }

    [Theory]
    [InlineData(AccountRole.Analyst)]
    [InlineData(AccountRole.Member)]
    public async Task Admin_pages_are_for_owners(AccountRole role)
    {
        await using var site = await Site.StartAsync(Database);
        using var visit = new Visit(site.Address, await site.SignInAsync(role));
        foreach (var address in Addresses(site).Where(a => a.StartsWith("/admin", StringComparison.Ordinal)))
        {
            using var page = await visit.GetAsync(address);
            Assert.Equal((address, HttpStatusCode.Forbidden), (address, page.StatusCode));
            Assert.Contains("This page is for owners", await page.Content.ReadAsStringAsync(Cancellation), StringComparison.Ordinal);
            using var script = await visit.GetAsync(address, ("HX-Request", "true"));
            Assert.Equal(HttpStatusCode.Forbidden, script.StatusCode);
        }

        var header = (await visit.PageAsync("/usage")).QuerySelector(".site-header")!;
        Assert.DoesNotContain("Accounts", header.TextContent, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Programs_are_told_in_their_own_format()
    {
        await using var site = await Site.StartAsync(Database, new() { ["Limits:RequestsPerSecond"] = "2" });
        using var owner = new Visit(site.Address, site.Cookie);
        var seen = new HashSet<HttpStatusCode>();
        for (var i = 0; i < 20; i++)
        {
            using var answer = await owner.GetAsync("/api/nothing-here");
            seen.Add(answer.StatusCode);
            Assert.Equal("application/problem+json", answer.Content.Headers.ContentType?.MediaType);
        }

        Assert.Equal([HttpStatusCode.NotFound, HttpStatusCode.TooManyRequests], seen);
    }

    [Theory]
    [InlineData("Production", "example.com", true)]
    [InlineData("Production", "localhost", false)]
    [InlineData("Development", "example.com", false)]
    public async Task Browsers_are_told_to_stay_with_https(string environment, string host, bool isTold)
    {
        await using var site = await Site.StartAsync(Database, new() { ["environment"] = environment });
        using var nobody = new Visit(site.Address);
        using var answer = await nobody.GetAsync("/account/sign-in", ("Host", host));
        Assert.Equal(isTold, answer.Headers.Contains("Strict-Transport-Security"));
    }

    private static IEnumerable<RouteEndpoint> Endpoints(Site site) => site.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>();

    private static string AddressOf(RouteEndpoint endpoint) =>
        "/" + string.Join('/', endpoint.RoutePattern.PathSegments.Select(s => s.Parts[0] switch
        {
            RoutePatternLiteralPart text => text.Content,
            RoutePatternParameterPart parameter when parameter.ParameterPolicies.Any(p => p.Content == "guid") => Guid.Empty.ToString(),
            _ => "x",
        }));

    private static List<string> Addresses(Site site) =>
        [.. Endpoints(site).Select(AddressOf).Where(a => !Assets.Any(asset => a.StartsWith(asset, StringComparison.Ordinal))).Select(a => a.Replace("/error/x", "/error/404", StringComparison.Ordinal)).Distinct()];

    /// <summary>Every address that a page takes a POST at.</summary>
    private static IEnumerable<string> Handlers(Site site) =>
        from endpoint in Endpoints(site)
        let page = endpoint.Metadata.GetMetadata<CompiledPageActionDescriptor>() ?? Compile(site, endpoint)
        where page is not null && !AddressOf(endpoint).StartsWith("/error", StringComparison.Ordinal)
        from handler in page.HandlerMethods
        where handler.HttpMethod == "Post"
        select AddressOf(endpoint) + (handler.Name is null ? "" : $"?handler={handler.Name}");

    private static CompiledPageActionDescriptor? Compile(Site site, RouteEndpoint endpoint) =>
        endpoint.Metadata.GetMetadata<PageActionDescriptor>() is { } page
            ? site.Services.GetRequiredService<Microsoft.AspNetCore.Mvc.RazorPages.Infrastructure.PageLoader>().LoadAsync(page, Microsoft.AspNetCore.Http.EndpointMetadataCollection.Empty).GetAwaiter().GetResult()
            : null;
}

using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace UsageLogsSite.Tests.Support;

/// <summary>A page of another site: another port is another origin.</summary>
internal sealed class HostPage : IAsyncDisposable
{
    private readonly WebApplication _app;
    private int _tokensAsked;

    private HostPage(WebApplication app) => _app = app;

    /// <summary>The page's origin, as browsers write it.</summary>
    internal string Origin => _app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single();

    /// <summary>What is in its body.</summary>
    internal string Body { get; set; } = "";

    /// <summary>Where its server hands out tokens.</summary>
    internal const string TokenPath = "/my/usage-token";

    /// <summary>The token that its server hands out; null if it fails.</summary>
    internal Func<string?> Token { get; set; } = () => null;

    /// <summary>How often its server was asked for a token.</summary>
    internal int TokensAsked => _tokensAsked;

    internal static async Task<HostPage> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var page = new HostPage(builder.Build());
        page._app.MapGet("/", () => Results.Content(
            $"<!DOCTYPE html><html lang=en><meta charset=utf-8><title>Shop</title><link rel=icon href='data:,'><body>{page.Body}", "text/html; charset=utf-8"));
        page._app.MapGet(TokenPath, () =>
        {
            Interlocked.Increment(ref page._tokensAsked);
            return page.Token() is { } token ? Results.Text(token) : Results.StatusCode(StatusCodes.Status503ServiceUnavailable);
        });
        await page._app.StartAsync(TestContext.Current.CancellationToken);
        return page;
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();
}

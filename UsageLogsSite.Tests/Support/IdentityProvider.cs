using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace UsageLogsSite.Tests.Support;

/// <summary>A small OpenID Connect provider on a real socket: discovery, keys, authorize with PKCE, token, user info. Whoever comes is <see cref="Person"/>.</summary>
internal sealed class IdentityProvider : IAsyncDisposable
{
    internal const string ClientId = "usage-logs";
    internal const string ClientSecret = "only the two know";

    private readonly WebApplication _app;
    private readonly RSA _rsa = RSA.Create(2048);
    private readonly ConcurrentDictionary<string, (string Nonce, string Challenge, string RedirectUri)> _codes = new();

    private IdentityProvider()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        _app = builder.Build();
        _app.MapGet("/.well-known/openid-configuration", () => Results.Json(new Dictionary<string, object>
        {
            ["issuer"] = Address,
            ["authorization_endpoint"] = $"{Address}/authorize",
            ["token_endpoint"] = $"{Address}/token",
            ["userinfo_endpoint"] = $"{Address}/userinfo",
            ["jwks_uri"] = $"{Address}/keys",
            ["response_types_supported"] = new[] { "code" },
        }));
        _app.MapGet("/keys", () => Results.Json(new { keys = new[] { PublicKey() } }));
        _app.MapGet("/authorize", Authorize);
        _app.MapPost("/token", TokenAsync);
        _app.MapGet("/userinfo", () => Results.Json(Claims()));
    }

    /// <summary>Where it listens.</summary>
    internal string Address => _app.Urls.First();

    /// <summary>Who signs in there; null for somebody who gives up.</summary>
    internal (string Subject, string Email, bool IsVerified)? Person { get; set; }

    internal static async Task<IdentityProvider> StartAsync()
    {
        var provider = new IdentityProvider();
        await provider._app.StartAsync(TestContext.Current.CancellationToken);
        return provider;
    }

    /// <summary>Goes from the site's sign-in to the provider and back, as a browser does.</summary>
    /// <returns>The site's answer to the callback.</returns>
    internal static async Task<HttpResponseMessage> SignInAsync(Visit visit, string returnUrl = "/usage")
    {
        var link = (await visit.PageAsync($"/account/sign-in?returnUrl={Uri.EscapeDataString(returnUrl)}")).QuerySelector("#provider")!.GetAttribute("href")!;
        using var away = await visit.GetAsync(link);
        using var browser = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false });
        using var back = await browser.GetAsync(away.Headers.Location, TestContext.Current.CancellationToken);
        return await visit.GetAsync(back.Headers.Location!.PathAndQuery);
    }

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        _rsa.Dispose();
    }

    private IResult Authorize(HttpRequest request)
    {
        var query = request.Query;
        Assert.Equal((ClientId, "code", "S256"), (query["client_id"].ToString(), query["response_type"].ToString(), query["code_challenge_method"].ToString()));
        var answer = "error=access_denied";
        if (Person is not null)
        {
            var code = Guid.NewGuid().ToString("N");
            _codes[code] = (query["nonce"]!, query["code_challenge"]!, query["redirect_uri"]!);
            answer = $"code={code}";
        }

        return Results.Redirect($"{query["redirect_uri"]}?{answer}&state={Uri.EscapeDataString(query["state"]!)}");
    }

    private async Task<IResult> TokenAsync(HttpRequest request)
    {
        var form = await request.ReadFormAsync();
        var challenge = Base64UrlEncoder.Encode(SHA256.HashData(Encoding.ASCII.GetBytes(form["code_verifier"].ToString())));
        if (form["client_id"] != ClientId || form["client_secret"] != ClientSecret || !_codes.TryRemove(form["code"].ToString(), out var code)
            || code.Challenge != challenge || form["redirect_uri"] != code.RedirectUri)
            return Results.Json(new { error = "invalid_grant" }, statusCode: 400);

        var claims = Claims();
        claims["nonce"] = code.Nonce;
        var token = new JsonWebTokenHandler().CreateToken(new SecurityTokenDescriptor
        {
            Issuer = Address,
            Audience = ClientId,
            Claims = claims,
            Expires = DateTime.UtcNow.AddMinutes(5),
            SigningCredentials = new SigningCredentials(new RsaSecurityKey(_rsa) { KeyId = "one" }, SecurityAlgorithms.RsaSha256),
        });
        return Results.Json(new { access_token = "opaque", token_type = "Bearer", id_token = token });
    }

    private Dictionary<string, object> Claims() =>
        new() { ["sub"] = Person!.Value.Subject, ["email"] = Person.Value.Email, ["email_verified"] = Person.Value.IsVerified };

    private object PublicKey()
    {
        var key = _rsa.ExportParameters(includePrivateParameters: false);
        return new { kty = "RSA", use = "sig", kid = "one", n = Base64UrlEncoder.Encode(key.Modulus), e = Base64UrlEncoder.Encode(key.Exponent) };
    }
}

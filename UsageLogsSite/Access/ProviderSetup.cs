using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.OpenIdConnect;
using Microsoft.AspNetCore.Identity;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;
using UsageLogsSite.Hosting;

namespace UsageLogsSite.Access;

/// <summary>Adds sign-in with an identity provider: the code flow of OpenID Connect with PKCE, and nothing that the provider gives is kept.</summary>
internal static class ProviderSetup
{
    /// <summary>Where the provider sends people back to.</summary>
    internal const string CallbackPath = "/account/provider/callback";

    private static readonly TimeSpan ComesBackWithin = TimeSpan.FromMinutes(15);

    internal static void AddProvider(this WebApplicationBuilder builder)
    {
        builder.AddSettings<ProviderOptions>("OpenIdConnect");
        var provider = builder.Configuration.GetSection("OpenIdConnect").Get<ProviderOptions>() ?? new ProviderOptions();
        builder.Services.AddScoped<ProviderSignIn>();
        if (!provider.IsOn || string.IsNullOrEmpty(provider.ClientId))
            return;
        builder.Services.AddAuthentication().AddOpenIdConnect(options => Configure(options, provider, builder.Environment));
    }

    private static void Configure(OpenIdConnectOptions options, ProviderOptions provider, IHostEnvironment environment)
    {
        options.Authority = provider.Authority;
        options.RequireHttpsMetadata = !(Uri.TryCreate(provider.Authority, UriKind.Absolute, out var address) && address.IsLoopback);
        options.ClientId = provider.ClientId;
        options.ClientSecret = provider.ClientSecret;
        options.SignInScheme = IdentityConstants.ApplicationScheme; // never used: whoever comes back is signed in below
        options.ResponseType = OpenIdConnectResponseType.Code;
        options.ResponseMode = OpenIdConnectResponseMode.Query; // a link, so that cookies with SameSite=Lax come along
        options.UsePkce = true;
        options.MapInboundClaims = false;
        options.GetClaimsFromUserInfoEndpoint = true;
        options.ClaimActions.MapUniqueJsonKey("email_verified", "email_verified");
        options.Scope.Add("email");
        options.CallbackPath = CallbackPath;
        options.RemoteSignOutPath = PathString.Empty; // nobody else's page signs our people out
        options.CorrelationCookie = new SiteCookie(environment, "usage-correlation.") { Expiration = ComesBackWithin };
        options.NonceCookie = new SiteCookie(environment, "usage-nonce.") { Expiration = ComesBackWithin };
        options.Events = new OpenIdConnectEvents { OnTicketReceived = ReceiveAsync, OnRemoteFailure = FailAsync };
    }

    private static async Task ReceiveAsync(TicketReceivedContext ticket)
    {
        var http = ticket.HttpContext;
        ticket.HandleResponse();
        var returnUrl = LocalAddress.Or(ticket.ReturnUri, "/usage");

        // A session's key must not go from one account to another.
        if ((await http.AuthenticateAsync(IdentityConstants.ApplicationScheme)).Succeeded)
        {
            http.Response.Redirect(returnUrl);
            return;
        }

        var account = await http.RequestServices.GetRequiredService<ProviderSignIn>().FindAsync(http, ticket.Principal!, http.RequestAborted);
        if (account is null)
        {
            http.Response.Redirect($"{AccessSetup.SignInPath}?provider=refused");
            return;
        }

        await http.RequestServices.GetRequiredService<SignIns>().InAsync(http, account, "by the identity provider");
        http.Response.Redirect(returnUrl);
    }

    // Cancelled there, too late, or sent by somebody else: the log has the details.
    private static Task FailAsync(RemoteFailureContext failure)
    {
        failure.HandleResponse();
        failure.Response.Redirect($"{AccessSetup.SignInPath}?provider=failed");
        return Task.CompletedTask;
    }
}

using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.Identity;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Npgsql;
using UsageLogsSite.Data;
using UsageLogsSite.Hosting;

namespace UsageLogsSite.Access;

/// <summary>Adds sign-in: nothing is shown to who is not signed in, but for what says otherwise.</summary>
internal static class AccessSetup
{
    /// <summary>The cookie of a session, but for the prefix that <see cref="SiteCookie"/> adds.</summary>
    internal const string SessionCookie = "usage-session";

    /// <summary>Where people sign in.</summary>
    internal const string SignInPath = "/account/sign-in";

    /// <summary>The policy of what only owners may see and do.</summary>
    internal const string OwnersOnly = "Owner";

    internal static void AddAccess(this WebApplicationBuilder builder)
    {
        builder.AddSettings<SessionsOptions>("Sessions");
        builder.AddSettings<AdminOptions>("Admin");
        builder.AddAccounts(databases => databases.Admin);
        builder.Services.AddSingleton<SessionStore>();
        builder.Services.AddSingleton<HeldSessions>();
        builder.Services.AddHostedService(services => services.GetRequiredService<HeldSessions>());
        builder.Services.AddSingleton<Visitors>();
        builder.Services.AddSingleton<ViewedLogs>();
        builder.Services.AddSingleton<Embeds>();
        builder.Services.AddSingleton<EmbedChanges>();
        builder.Services.AddSingleton<ViewerTokens>();
        builder.Services.AddSingleton<HeldEmbeds>();
        builder.Services.AddHostedService(services => services.GetRequiredService<HeldEmbeds>());
        builder.Services.AddSingleton<IHttpContextFactory, EmbedTokens>();
        builder.Services.AddScoped<PasswordSignIn>();
        builder.Services.AddSingleton<SignIns>();
        builder.Services.AddSingleton<SignInLimits>();
        builder.Services.AddSingleton<SignInLinks>();
        builder.Services.AddAuthentication(IdentityConstants.ApplicationScheme).AddCookie(IdentityConstants.ApplicationScheme);
        builder.Services.AddOptions<CookieAuthenticationOptions>(IdentityConstants.ApplicationScheme)
            .Configure<SessionStore, IOptions<SessionsOptions>, IHostEnvironment>(Configure);
        builder.AddProvider();
        builder.Services.AddAuthorizationBuilder()
            .SetFallbackPolicy(new AuthorizationPolicyBuilder().RequireAuthenticatedUser().Build())
            .AddPolicy(OwnersOnly, owner => owner.RequireRole(nameof(AccountRole.Owner)));
        builder.Services.AddAntiforgery(antiforgery =>
        {
            antiforgery.Cookie = new SiteCookie(builder.Environment, "usage-antiforgery");
            antiforgery.SuppressXFrameOptionsHeader = true; // each surface's policy says who may frame it
        });
    }

    /// <summary>Adds what accounts and widgets are looked after with: Identity, the keys that protect, and a context that tracks what it reads, unlike that of the pages.</summary>
    /// <param name="builder">The program.</param>
    /// <param name="source">The way into PostgreSQL.</param>
    internal static void AddAccounts(this WebApplicationBuilder builder, Func<Databases, NpgsqlDataSource> source)
    {
        builder.Services.AddScoped<Accounts>();
        builder.Services.AddScoped<AccountChanges>();
        builder.Services.AddSingleton<EmbedSecrets>();

        // One name for all instances and commands, wherever they are installed: they read each other's cookies and secrets.
        builder.Services.AddDataProtection().SetApplicationName("UsageLogsSite").PersistKeysToDbContext<UsageDbContext>();
        builder.Services.AddSingleton(services =>
            new Audit(source(services.GetRequiredService<Databases>()), services.GetRequiredService<ILogger<Audit>>()));
        builder.Services.AddScoped(services => new UsageDbContext((DbContextOptions<UsageDbContext>)new DbContextOptionsBuilder<UsageDbContext>()
            .UseUsageDatabase(source(services.GetRequiredService<Databases>()))
            .UseQueryTrackingBehavior(QueryTrackingBehavior.TrackAll)
            .UseLoggerFactory(services.GetRequiredService<ILoggerFactory>())
            .Options));
        builder.Services.AddIdentityCore<Account>(identity =>
        {
            identity.User.RequireUniqueEmail = true;
            identity.User.AllowedUserNameCharacters = ""; // the e-mail address is the name
            identity.Password = new PasswordOptions
            {
                RequiredLength = PasswordSignIn.ShortestPassword,
                RequireDigit = false,
                RequireLowercase = false,
                RequireNonAlphanumeric = false,
                RequireUppercase = false,
                RequiredUniqueChars = 1,
            };
        }).AddEntityFrameworkStores<UsageDbContext>();
    }

    private static void Configure(CookieAuthenticationOptions cookie, SessionStore sessions, IOptions<SessionsOptions> options, IHostEnvironment environment)
    {
        cookie.Cookie = new SiteCookie(environment, SessionCookie);
        cookie.SessionStore = sessions;
        cookie.ExpireTimeSpan = options.Value.Lifetime;
        cookie.SlidingExpiration = true;
        cookie.LoginPath = SignInPath;
        cookie.ReturnUrlParameter = "returnUrl";
        cookie.Events = new CookieAuthenticationEvents
        {
            OnRedirectToLogin = challenge => Challenge(challenge.HttpContext, challenge.RedirectUri),
            OnRedirectToAccessDenied = denied =>
            {
                denied.Response.StatusCode = StatusCodes.Status403Forbidden; // the error page says why
                return Task.CompletedTask;
            },
        };
    }

    /// <summary>A page leads to the sign-in; a script's request is told, as it would put the sign-in where it does not belong.</summary>
    private static Task Challenge(HttpContext http, string signIn)
    {
        http.Features.Get<SessionFailure>()?.Cause.Throw();
        http.Response.Headers.CacheControl = "no-store";
        if (http.Request.Path.StartsWithSegments("/api") && http.GetEndpoint() is null)
            http.Response.StatusCode = StatusCodes.Status404NotFound;
        else if (http.Request.Headers.ContainsKey("HX-Request") || http.Request.Path.StartsWithSegments("/api"))
            http.Response.StatusCode = StatusCodes.Status401Unauthorized;
        else
            http.Response.Redirect(HttpMethods.IsGet(http.Request.Method) ? signIn : SignInPath);
        return Task.CompletedTask;
    }
}

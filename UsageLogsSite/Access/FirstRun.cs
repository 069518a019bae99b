using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.Options;
using UsageLogsSite.Data;

namespace UsageLogsSite.Access;

/// <summary>Sees to it that somebody can sign in.</summary>
internal static partial class FirstRun
{
    private const string DemoOwner = "owner@demo.example";

    private static readonly string[] AnyAddress = ["//[::]", "//0.0.0.0", "//+", "//*"];

    /// <summary>Makes or resets the owner of the settings; in the demo, prints a link that signs in once.</summary>
    /// <param name="app">The site, whose database is ready.</param>
    /// <param name="isDemo">Whether the site has brought its own PostgreSQL.</param>
    /// <param name="cancellation">Gives up.</param>
    internal static async Task PrepareAccountsAsync(this WebApplication app, bool isDemo, CancellationToken cancellation)
    {
        var admin = app.Services.GetRequiredService<IOptions<AdminOptions>>().Value;
        await using var scope = app.Services.CreateAsyncScope();
        var accounts = scope.ServiceProvider.GetRequiredService<Accounts>();
        if (admin is { Email: { Length: > 0 } email, Password: { } password })
            await accounts.EnsureOwnerAsync(email, password, cancellation);
        else if (isDemo)
            PrintLinkOnceStarted(app, await FindOwnerAsync(accounts, cancellation));
        else if ((await accounts.ListAsync(cancellation)).Count == 0)
            LogNobody(app.Logger);
    }

    private static async Task<Account> FindOwnerAsync(Accounts accounts, CancellationToken cancellation)
    {
        var known = await accounts.ListAsync(cancellation);
        if (known.Find(a => a is { Role: AccountRole.Owner, IsDisabled: false }) is { } owner)
            return owner;
        try
        {
            return await accounts.AddAsync(DemoOwner, AccountRole.Owner, userId: null, password: null);
        }
        catch (AccountException) when (!cancellation.IsCancellationRequested)
        {
            return await accounts.FindAsync(DemoOwner) ?? throw new InvalidOperationException("The demo's owner can be neither found nor made.");
        }
    }

    // On the console and not in the log: who reads logs later must find nothing to sign in with.
    private static void PrintLinkOnceStarted(WebApplication app, Account owner)
    {
        var link = app.Services.GetRequiredService<SignInLinks>().Create(owner.Id);
        app.Lifetime.ApplicationStarted.Register(() =>
        {
            var addresses = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()?.Addresses ?? [];
            var site = addresses.FirstOrDefault() ?? "http://localhost";
            foreach (var any in AnyAddress)
                site = site.Replace(any, "//localhost", StringComparison.Ordinal);
            Console.WriteLine($"Sign in with one click (once, within an hour): {site}{link}");
        });
    }

    [LoggerMessage(4002, LogLevel.Warning,
        "Access: nobody can sign in yet. Make an owner with the command 'accounts add --email you@example.com --role owner', or with the settings Admin:Email and Admin:Password")]
    private static partial void LogNobody(ILogger logger);
}

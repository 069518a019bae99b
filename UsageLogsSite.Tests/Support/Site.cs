using System.Collections.Concurrent;
using AngleSharp.Html.Dom;
using AngleSharp.Html.Parser;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Identity;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using UsageLogsSite.Access;
using UsageLogsSite.Data;
using UsageLogsSite.Live;

namespace UsageLogsSite.Tests.Support;

/// <summary>The whole site on a real Kestrel socket, against a test's own database.</summary>
internal sealed class Site : WebApplicationFactory<Program>
{
    private readonly PostgresDatabase _database;
    private readonly Dictionary<string, string> _settings;
    private readonly Action<IServiceCollection>? _services;
    private readonly RecordedLogs _logs = new();

    private Site(PostgresDatabase database, Dictionary<string, string> settings, Action<IServiceCollection>? services)
    {
        _database = database;
        _settings = settings;
        _services = services;
        UseKestrel(0);
    }

    internal Uri Address => ClientOptions.BaseAddress;

    internal RecordedLogs Logs => _logs;

    /// <summary>How many queries pages and filter sets have asked the database.</summary>
    internal int Queries => _logs.Count(20101); // RelationalEventId.CommandExecuted

    internal FilterSets FilterSets => Services.GetRequiredService<FilterSets>();

    /// <summary>A client that is signed in as an owner, and follows no redirect.</summary>
    internal HttpClient Http { get; private set; } = null!;

    /// <summary>The header <c>Cookie</c> of <see cref="Http"/>.</summary>
    internal string Cookie { get; private set; } = "";

    /// <summary>Starts the site, and waits until it hears changes and has folded what the database holds.</summary>
    internal static async Task<Site> StartAsync(PostgresDatabase database, Dictionary<string, string>? settings = null, Action<IServiceCollection>? services = null)
    {
        var site = await StartBusyAsync(database, settings, services);
        await site.ZonedAsync();
        await site.FoldedAsync();
        await site.QuietAsync();
        return site;
    }

    /// <summary>Starts the site, and waits only until it hears changes: where others write all the time, there is always more to fold.</summary>
    internal static async Task<Site> StartBusyAsync(PostgresDatabase database, Dictionary<string, string>? settings = null, Action<IServiceCollection>? services = null)
    {
        var site = new Site(database, settings ?? [], services);
        site.StartServer();
        site.Cookie = await site.SignInAsync(AccountRole.Owner);
        site.Http = site.ClientOf(site.Cookie);
        await Eventually.TrueAsync(() => site.Logs.Count(1005) > 0, "the site listens");
        return site;
    }

    /// <summary>A client that follows no redirect, and sends only this cookie.</summary>
    /// <param name="cookie">The header <c>Cookie</c>; null for nobody.</param>
    internal HttpClient ClientOf(string? cookie)
    {
        var http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false }) { BaseAddress = Address };
        if (cookie is not null)
            http.DefaultRequestHeaders.Add("Cookie", cookie);
        return http;
    }

    /// <summary>Asks once, as whom the cookie names.</summary>
    internal async Task<HttpResponseMessage> GetAsync(string address, string cookie)
    {
        using var http = ClientOf(cookie);
        return await http.GetAsync(new Uri(address, UriKind.Relative), TestContext.Current.CancellationToken);
    }

    /// <summary>Makes an account, without a password, and signs it in.</summary>
    /// <returns>The header <c>Cookie</c> of the browser that is signed in.</returns>
    internal async Task<string> SignInAsync(AccountRole role, Guid? userId = null) => await SignInAsync(await AddAccountAsync(role, userId));

    /// <summary>Makes an account without a password.</summary>
    internal async Task<Account> AddAccountAsync(AccountRole role, Guid? userId = null)
    {
        var email = $"{role}-{Guid.NewGuid():N}@example.test".ToLowerInvariant();
        var account = new Account { UserName = email, Email = email, Role = role, UserId = userId };
        await using var scope = Services.CreateAsyncScope();
        Assert.True((await scope.ServiceProvider.GetRequiredService<UserManager<Account>>().CreateAsync(account)).Succeeded);
        return account;
    }

    /// <summary>Signs an account in, as its page does once the password is known.</summary>
    /// <returns>The header <c>Cookie</c> of the browser that is signed in.</returns>
    internal async Task<string> SignInAsync(Account account)
    {
        await using var scope = Services.CreateAsyncScope();
        var http = new DefaultHttpContext { RequestServices = scope.ServiceProvider };
        await http.SignInAsync(IdentityConstants.ApplicationScheme, SessionStore.PrincipalOf(account.Id), new AuthenticationProperties { IsPersistent = true });
        return http.Response.Headers.SetCookie.Single()!.Split(';')[0];
    }

    /// <summary>Waits until days and hours are those of the site's zone.</summary>
    private Task ZonedAsync() => Eventually.TrueAsync(
        async () => await _database.ScalarAsync<bool>("SELECT time_zone IS NOT DISTINCT FROM $1 FROM rollup_state", _settings.GetValueOrDefault("Usage:TimeZone", "UTC")),
        "days and hours are those of the zone");

    /// <summary>Waits until every change committed so far is in the totals.</summary>
    internal Task FoldedAsync() => Eventually.TrueAsync(
        async () => !await _database.ScalarAsync<bool>("SELECT EXISTS (SELECT FROM usage_deltas)"), "all deltas are folded");

    /// <summary>Waits until the listener has heard of every fold so far: a hint of the test's own makes the fence.</summary>
    internal async Task QuietAsync()
    {
        var fence = $"fence {Guid.NewGuid():N}";
        await _database.ExecuteAsync("SELECT pg_notify('usage_changed', $1)", fence);
        await Eventually.TrueAsync(() => Logs.Count(1007, fence) == 1, "the listener has heard everything");
    }

    /// <summary>Waits until the site has heard of every change of accounts and sessions so far: hints come in order, whatever their channel.</summary>
    internal Task HeardAsync() => QuietAsync();

    internal async Task<IHtmlDocument> GetPageAsync(string address)
    {
        using var response = await Http.GetAsync(new Uri(address, UriKind.Relative), TestContext.Current.CancellationToken);
        Assert.True(response.IsSuccessStatusCode, $"{address} was answered with {(int)response.StatusCode}. The site's errors: {string.Join("\n", Logs.Errors)}");
        return new HtmlParser().ParseDocument(await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }

    protected override void ConfigureWebHost(IWebHostBuilder builder)
    {
        builder.UseSetting("ConnectionStrings:UsageLogs", _database.ConnectionString);
        builder.UseSetting("Database:MigrateOnStartup", "false");

        // All of a test's clients share one address: limits are for the tests of limits.
        builder.UseSetting("Live:MaxStreamsPerClient", "10000");
        builder.UseSetting("Live:MaxStreamsPerAddress", "10000");
        builder.UseSetting("Live:MaxOpensPerSecond", "100000");
        builder.UseSetting("Limits:RequestsPerSecond", "100000");
        foreach (var (key, value) in _settings)
            builder.UseSetting(key, value);
        builder.ConfigureLogging(logging => logging
            .ClearProviders()
            .AddProvider(_logs)
            .AddFilter("UsageLogsSite", LogLevel.Debug)
            .AddFilter("Microsoft.EntityFrameworkCore.Database.Command", LogLevel.Information));
        if (_services is not null)
            builder.ConfigureTestServices(_services);
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            Http?.Dispose();
        base.Dispose(disposing);
    }
}

/// <summary>What the site logged, by event id.</summary>
internal sealed class RecordedLogs : ILoggerProvider, ILogger
{
    private readonly ConcurrentQueue<(int Id, LogLevel Level, string Text)> _entries = new();

    internal int Count(int eventId) => _entries.Count(e => e.Id == eventId);

    internal int Count(int eventId, string containing) => _entries.Count(e => e.Id == eventId && e.Text.Contains(containing, StringComparison.Ordinal));

    /// <summary>All lines of an event, oldest first.</summary>
    internal IReadOnlyList<string> Texts(int eventId) => [.. _entries.Where(e => e.Id == eventId).Select(e => e.Text)];

    /// <summary>Whether any line holds a text.</summary>
    internal bool Says(string text) => _entries.Any(e => e.Text.Contains(text, StringComparison.Ordinal));

    internal IReadOnlyList<string> Errors => [.. _entries.Where(e => e.Level >= LogLevel.Error).Select(e => e.Text)];

    public ILogger CreateLogger(string categoryName) => this;

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        _entries.Enqueue((eventId.Id, logLevel, $"{formatter(state, exception)} {exception}"));

    public void Dispose()
    {
    }
}

using System.Collections.Concurrent;
using Microsoft.Playwright;

[assembly: AssemblyFixture(typeof(UsageLogsSite.Tests.Support.Chromium))]

namespace UsageLogsSite.Tests.Support;

/// <summary>One real Chromium for the run. The CDN's files come from the npm package, so the integrity check is real.</summary>
public sealed class Chromium : IAsyncLifetime
{
    private static readonly string[] Arguments =
    [
        "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
        "--disable-component-update", "--disable-sync",
    ];

    private static readonly string[] Executables = ["/usr/bin/chromium-headless-shell", "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

    private IPlaywright? _playwright;
    private IBrowser? _browser;

    public async ValueTask InitializeAsync()
    {
        Assertions.SetDefaultExpectTimeout(15_000);
        _playwright = await Playwright.CreateAsync();
        _browser = await _playwright.Chromium.LaunchAsync(new BrowserTypeLaunchOptions
        {
            ExecutablePath = Executables.FirstOrDefault(File.Exists)
                ?? throw new InvalidOperationException("No Chromium was found: ./test.sh installs it, or 'sudo apt-get install chromium'."),
            Args = Arguments,
        });
    }

    public async ValueTask DisposeAsync()
    {
        if (_browser is not null)
            await _browser.CloseAsync();
        _playwright?.Dispose();
    }

    /// <summary>A new window with a profile of its own.</summary>
    /// <param name="site">The site.</param>
    /// <param name="address">The page.</param>
    /// <param name="options">What kind of window; null for the usual.</param>
    /// <param name="cookie">The header <c>Cookie</c> of who is signed in; null for the site's owner, empty for nobody.</param>
    internal Task<Window> OpenAsync(Site site, string address = "/usage", BrowserNewContextOptions? options = null, string? cookie = null)
    {
        options ??= new BrowserNewContextOptions();
        options.BaseURL ??= site.Address.ToString();
        return OpenAsync(address, options, cookie ?? site.Cookie);
    }

    /// <summary>A new window with a profile of its own, on whatever stands at the options' <c>BaseURL</c>.</summary>
    /// <param name="address">The page.</param>
    /// <param name="options">What kind of window.</param>
    /// <param name="cookie">The header <c>Cookie</c> of who is signed in; empty for nobody.</param>
    internal async Task<Window> OpenAsync(string address, BrowserNewContextOptions options, string cookie)
    {
        options.TimezoneId ??= "UTC";
        var isSecure = options.BaseURL!.StartsWith("https:", StringComparison.Ordinal);
        var context = await _browser!.NewContextAsync(options);
        if (cookie.Split('=', 2) is [var name, var value])
            await context.AddCookiesAsync([new Cookie { Name = name, Value = value, Url = options.BaseURL, HttpOnly = true, Secure = isSecure, SameSite = SameSiteAttribute.Lax }]);
        await context.RouteAsync("https://cdn.jsdelivr.net/npm/htmx.org@4.0.1/**", ServeFromPackageAsync);
        context.SetDefaultTimeout(15_000);
        await context.AddInitScriptAsync(Window.Recorder);
        var page = await context.NewPageAsync();
        var window = new Window(context, page);
        await page.GotoAsync(address);
        return window;
    }

    private static Task ServeFromPackageAsync(IRoute route)
    {
        var file = new Uri(route.Request.Url).AbsolutePath.Replace("/npm/htmx.org@4.0.1/", "", StringComparison.Ordinal);
        return route.FulfillAsync(new RouteFulfillOptions
        {
            Path = Path.Combine(Repository.Root, "node_modules", "htmx.org", file),
            ContentType = "text/javascript",
            Headers = new Dictionary<string, string> { ["Access-Control-Allow-Origin"] = "*", ["Timing-Allow-Origin"] = "*" },
        });
    }
}

/// <summary>A browser window on the site, and what its console and network said.</summary>
internal sealed class Window : IAsyncDisposable
{
    /// <summary>Notes when the two indicators go on and off, even between two looks of a test.</summary>
    internal const string Recorder = """
        window.seen = [];
        addEventListener("DOMContentLoaded", () => {
          for (const id of ["syncing", "loading"]) {
            const element = document.getElementById(id);
            if (!element) continue;
            let was = false;
            new MutationObserver(() => {
              const is = element.classList.contains("htmx-request");
              if (is !== was) seen.push(`${id} ${is ? "on" : "off"}`);
              if (is && id === "loading") seen.push(`busy ${document.getElementById("usage-table")?.ariaBusy}`);
              was = is;
            }).observe(element, { attributes: true });
          }
        });
        """;

    private readonly IBrowserContext _context;
    private readonly ConcurrentQueue<string> _errors = new();
    private readonly ConcurrentQueue<string> _requests = new();

    internal Window(IBrowserContext context, IPage page)
    {
        _context = context;
        Page = page;
        page.Console += (_, message) =>
        {
            if (message.Type == "error")
                _errors.Enqueue(message.Text);
        };
        page.PageError += (_, error) => _errors.Enqueue(error);
        page.Request += (_, request) => _requests.Enqueue(new Uri(request.Url).PathAndQuery);
    }

    internal IPage Page { get; }

    /// <summary>What the console reported as an error, violations of the content security policy among it.</summary>
    internal IReadOnlyCollection<string> Errors => _errors;

    internal IBrowserContext Context => _context;

    /// <summary>How many requests went to addresses that begin so.</summary>
    internal int Requests(string prefix) => _requests.Count(r => r.StartsWith(prefix, StringComparison.Ordinal));

    /// <summary>What the indicators did since the last call.</summary>
    internal Task<string[]> SeenAsync() => Page.EvaluateAsync<string[]>("seen.splice(0)");

    internal Task ChooseTypeAsync(string type) => Page.CheckAsync($"input[name=type][value={type}]");

    internal ILocator Row(Guid user) => Page.Locator($"tr[data-user-id='{user}']");

    /// <summary>Waits until the stream is open.</summary>
    internal async Task LiveAsync()
    {
        try
        {
            await Assertions.Expect(Page.Locator("#live-status")).ToHaveAttributeAsync("data-state", "live");
        }
        catch (PlaywrightException e)
        {
            throw new InvalidOperationException($"No stream. Requests: {string.Join(", ", _requests)}. Console: {string.Join(" / ", _errors)}", e);
        }
    }

    /// <summary>Waits for a condition in the page; Playwright's own wait would need eval, which the site forbids.</summary>
    internal Task UntilAsync(string condition) => Eventually.TrueAsync(() => Page.EvaluateAsync<bool>(condition), condition);

    public async ValueTask DisposeAsync() => await _context.CloseAsync();
}

using System.Globalization;
using System.Threading.RateLimiting;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.RateLimiting;
using Microsoft.Extensions.Options;
using UsageLogsSite.Hosting;
using UsageLogsSite.Ingest;
using UsageLogsSite.Live;

namespace UsageLogsSite.Access;

/// <summary>
/// Limits by ASP.NET Core's rate limiter: requests a second, and open streams, of a browser, an address and in all. Over them the
/// answer is 429 with <c>Retry-After</c>; who goes on all the same loses the connection.
/// </summary>
internal static class Limits
{
    private const string TooMany =
        "<p><strong>Too many requests.</strong> Wait a moment, then try again. The rows below are as of <span id=\"problem-time\">the last update</span>.</p>";

    /// <summary>A browser chooses its own id; what one address may ask for in all is bounded by this many browsers' worth.</summary>
    private const int BrowsersPerAddress = 20;

    /// <summary>How often the line of those who open a stream moves on.</summary>
    private const int OpeningsEachSecond = 10;

    /// <summary>The page's script gives a connection 25 seconds.</summary>
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(22);

    private static readonly TimeSpan RefusalWindow = TimeSpan.FromSeconds(10);

    internal static void AddLimits(this WebApplicationBuilder builder)
    {
        builder.AddSettings<LimitOptions>("Limits");
        builder.Services.AddSingleton<LimitMetrics>();
        builder.Services.AddRateLimiter(_ => { });
        builder.Services.AddOptions<RateLimiterOptions>().Configure<IOptions<LimitOptions>, IOptions<LiveOptions>, LimitMetrics>((limiter, limits, live, metrics) =>
        {
            limiter.GlobalLimiter = PartitionedRateLimiter.CreateChained(
                Named("requests-of-address", Requests(limits.Value.RequestsPerSecond * BrowsersPerAddress, PlaceOf, http => !IngestSetup.IsIngest(http))), // first: a browser's id is its own choice
                Named("requests-of-browser", Requests(limits.Value.RequestsPerSecond, ClientId.Of, http => !IsWidget(http) && !IsHealth(http) && !IngestSetup.IsIngest(http))), // that counts by key
                Named("requests-of-widget", Requests(Share(limits.Value.RequestsPerSecond * BrowsersPerAddress), WidgetOf, IsWidget)),
                Named("streams-of-address", AtOnce(OpensStream, live.Value.MaxStreamsPerAddress, PlaceOf)),
                Named("streams-of-widget", AtOnce(http => OpensStream(http) && IsWidget(http), Share(live.Value.MaxStreamsPerAddress), WidgetOf)),
                Named("streams-of-browser", AtOnce(http => OpensStream(http) && !IsWidget(http), live.Value.MaxStreamsPerClient, ClientId.Of)),
                Named("streams", AtOnce(OpensStream, live.Value.MaxStreams, _ => "all")),
                Named("stream-openings", Opens(live.Value.MaxOpensPerSecond)));
            var refusals = Refusals(limits.Value);
            limiter.OnRejected = (rejected, cancellation) => RefuseAsync(rejected, refusals, metrics, cancellation);

            CountedLimiter Named(string name, PartitionedRateLimiter<HttpContext> limit) => new(name, limit, metrics);
        });
    }

    private static PartitionedRateLimiter<HttpContext> Requests(int perSecond, Func<HttpContext, string> who, Func<HttpContext, bool>? applies = null) => Create(
        applies ?? (_ => true),
        who,
        new TokenBucketRateLimiterOptions
        {
            TokensPerPeriod = perSecond,
            TokenLimit = 4 * perSecond,
            ReplenishmentPeriod = TimeSpan.FromSeconds(1),
            QueueLimit = 0,
            AutoReplenishment = false, // all buckets of a limiter are filled by one timer
        },
        options => new TokenBucketRateLimiter(options));

    private static bool IsHealth(HttpContext http) => http.Request.Path.StartsWithSegments("/health");

    private static PartitionedRateLimiter<HttpContext> AtOnce(Func<HttpContext, bool> applies, int most, Func<HttpContext, string> who) => Create(
        applies, who, new ConcurrencyLimiterOptions { PermitLimit = most, QueueLimit = 0 }, options => new ConcurrencyLimiter(options));

    /// <summary>After a restart all readers come back at once: they are let in one after the other, and wait no longer than a connect may take.</summary>
    private static PartitionedRateLimiter<HttpContext> Opens(int perSecond) => Create(
        OpensStream,
        _ => "all",
        new TokenBucketRateLimiterOptions
        {
            TokensPerPeriod = perSecond / OpeningsEachSecond,
            TokenLimit = perSecond / OpeningsEachSecond,
            ReplenishmentPeriod = TimeSpan.FromSeconds(1) / OpeningsEachSecond,
            QueueLimit = perSecond * (int)LongestWait.TotalSeconds,
            QueueProcessingOrder = QueueProcessingOrder.OldestFirst,
            AutoReplenishment = false,
        },
        options => new TokenBucketRateLimiter(options));

    private static bool OpensStream(HttpContext http) =>
        http.Request.Path.Value!.EndsWith("/events", StringComparison.OrdinalIgnoreCase)
        && (http.Request.Path.StartsWithSegments(LiveEndpoints.Address) || http.Request.Path.StartsWithSegments("/users") || IsWidget(http));

    /// <summary>
    /// An address, counted apart for widgets: however many people look at these, its places for the site's own pages stay free. And apart for
    /// health: a balancer that is told 429 because of its readers would take the site away from all of them.
    /// </summary>
    private static string PlaceOf(HttpContext http) =>
        IsWidget(http) ? ClientId.NetworkOf(http) + " widgets" : IsHealth(http) ? ClientId.NetworkOf(http) + " health" : ClientId.NetworkOf(http);

    /// <summary>One widget at one address. Tokens are made up at no cost: what an address may ask for in all bounds how many of these there are.</summary>
    /// <remarks>What stands before the first dot of a viewer's token names the widget, and is the same for all of its viewers.</remarks>
    private static string WidgetOf(HttpContext http) => $"{ClientId.NetworkOf(http)} {EmbedAddress.Of(http)!.Token?.Split('.')[0]}";

    /// <summary>What one widget at an address may have of what all widgets there may: one on a busy page leaves the others half.</summary>
    private static int Share(int ofAddress) => Math.Max(1, ofAddress / 2);

    /// <summary>Widgets have no cookie to tell browsers apart by: only their address and which they are count.</summary>
    private static bool IsWidget(HttpContext http) => EmbedAddress.Of(http) is not null;

    private static PartitionedRateLimiter<HttpContext> Refusals(LimitOptions limits) => Create(
        _ => true,
        ClientId.NetworkOf,
        new FixedWindowRateLimiterOptions { PermitLimit = limits.RefusalsBeforeClose, Window = RefusalWindow, QueueLimit = 0, AutoReplenishment = false },
        options => new FixedWindowRateLimiter(options));

    /// <summary>A limiter for each client. Its parts are made here once, as every request passes it.</summary>
    private static PartitionedRateLimiter<HttpContext> Create<TOptions>(
        Func<HttpContext, bool> applies, Func<HttpContext, string> who, TOptions options, Func<TOptions, RateLimiter> create)
    {
        Func<string, RateLimiter> ofClient = _ => create(options);
        var unlimited = RateLimitPartition.GetNoLimiter("");
        return PartitionedRateLimiter.Create<HttpContext, string>(http => applies(http) ? RateLimitPartition.Get(who(http), ofClient) : unlimited);
    }

    private static async ValueTask RefuseAsync(OnRejectedContext rejected, PartitionedRateLimiter<HttpContext> refusals, LimitMetrics metrics, CancellationToken cancellation)
    {
        var http = rejected.HttpContext;
        using var tolerated = refusals.AttemptAcquire(http);
        if (!tolerated.IsAcquired)
        {
            metrics.Refused("refusals");
            http.Abort();
            return;
        }

        // Streams are asked for again by a timer, requests by a person: neither should all come at once.
        var wait = rejected.Lease.TryGetMetadata(MetadataName.RetryAfter, out var known) ? known : TimeSpan.FromSeconds(Random.Shared.Next(5, 15));
        http.Response.StatusCode = StatusCodes.Status429TooManyRequests;
        http.Response.Headers.RetryAfter = Math.Ceiling(wait.TotalSeconds).ToString(CultureInfo.InvariantCulture);
        http.Response.Headers.CacheControl = "no-store";
        if (http.Request.Path.StartsWithSegments("/api"))
        {
            var problem = new ProblemDetails { Status = 429, Title = "Too many requests", Detail = "Wait as long as Retry-After says." };
            await http.Response.WriteAsJsonAsync(problem, options: null, "application/problem+json", cancellation);
            return;
        }

        http.Response.ContentType = "text/html; charset=utf-8";
        await http.Response.WriteAsync(TooMany, cancellation);
    }
}

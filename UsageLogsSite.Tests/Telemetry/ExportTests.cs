using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.RegularExpressions;
using UsageLogsSite.Hosting;
using UsageLogsSite.Ingest;
using UsageLogsSite.Tests.Commands;
using UsageLogsSite.Tests.Hosting;
using UsageLogsSite.Tests.Support;

namespace UsageLogsSite.Tests.Telemetry;

/// <summary>What an operator's tools get of a site that is used: its metrics under the names of the documents, in both ways of export.</summary>
public sealed partial class ExportTests(PostgresCluster cluster, PublishedApp published) : SiteTest(cluster)
{
    private const string GivenUp = "usage_logs_site_alerts_given_up_deliveries_total";

    private static readonly string Operations = Path.Combine(Repository.Root, "docs", "operations");

    /// <summary>All that may tell series apart; each has a few values, none of which a client chooses.</summary>
    private static readonly string[] AllowedLabels =
    [
        "otel_scope_name", "le", "usage_logs_site_stream_kind", "usage_logs_site_stream_end", "usage_logs_site_event", "usage_logs_site_refresh_result",
        "usage_logs_site_fragment_source", "usage_logs_site_limit", "usage_logs_site_result",
        "usage_logs_site_rows", "http_response_status_code", "usage_logs_site_place", "usage_logs_site_reason",
    ];

    [Fact]
    public async Task All_that_documents_dashboard_and_alerts_name_is_measured_and_exported()
    {
        await using var receiver = await OtlpReceiver.StartAsync();
        var management = new Uri($"http://127.0.0.1:{LocalPort.Any()}");
        var settings = new Dictionary<string, string>(receiver.Settings)
        {
            ["ConnectionStrings:UsageLogs"] = Database.ConnectionString,
            ["Database:MigrateOnStartup"] = "false",
            ["Telemetry:ManagementUrl"] = management.ToString().TrimEnd('/'),
            ["Live:MaxStreamsPerClient"] = "1",
        };
        await using var app = await published.StartAsync(settings);
        await OnlyThereAsync(app, management);

        // An alert on an increase sees none from nothing to one.
        var unused = await ScrapeAsync(management);
        Assert.Equal((true, 0), (unused.Has(GivenUp), unused.Sum(GivenUp)));

        var ann = await Database.AddUserAsync("Ann");
        await AddAlertAsync(ann);
        var key = await CreateKeyAsync();
        var named = await NamesAsync();
        Assert.InRange(named.Count, 25, int.MaxValue);
        PrometheusText? metrics = null;
        await Eventually.TrueAsync(
            async () =>
            {
                await UseAsync(app, ann);
                await PostAsync(app, key, ann);
                metrics = await ScrapeAsync(management);
                return named.All(metrics.Has) && metrics.Sum(GivenUp) > 0;
            },
            () => $"all of these are measured: {string.Join(", ", named.Where(name => !metrics!.Has(name)))}");
        Assert.InRange(metrics!.Sum("usage_logs_site_live_event_latency_seconds_sum") / metrics.Sum("usage_logs_site_live_event_latency_seconds_count"), 0.02, 10);
        CheckDocument(metrics);

        await receiver.ReceivedAsync("/v1/metrics", "usage_logs_site.live.event.latency");
        foreach (var span in new[] { "fold", "hint", "refresh", "usage-changed", "alert check", "postgresql", "usage/table" })
            await receiver.ReceivedAsync("/v1/traces", span);
        await receiver.ReceivedAsync("/v1/logs", "Live: listening for changes");
        Assert.False(receiver.Holds("SCRAM-SHA-256"), "A password's verifier was exported.");
    }

    [Fact]
    public async Task Without_being_told_where_nothing_is_shown()
    {
        await using var site = await Site.StartAsync(Database);
        using var answer = await site.Http.GetAsync(new Uri("/metrics", UriKind.Relative), Cancellation);
        Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
    }

    [Fact]
    public async Task The_dashboard_is_one()
    {
        using var dashboard = JsonDocument.Parse(await File.ReadAllTextAsync(Path.Combine(Operations, "grafana-dashboard.json"), Cancellation));
        var panels = dashboard.RootElement.GetProperty("panels").EnumerateArray().ToList();
        Assert.Equal(panels.Count, panels.Select(p => p.GetProperty("id").GetInt32()).Distinct().Count());
        Assert.Equal(
            ["Is it live?", "Fold", "Streams", "Database", "Limits and alerts", "Ingest"],
            panels.Where(p => p.GetProperty("type").GetString() == "row").Select(p => p.GetProperty("title").GetString()));
        Assert.All(panels, panel =>
        {
            var place = panel.GetProperty("gridPos");
            Assert.InRange(place.GetProperty("x").GetInt32() + place.GetProperty("w").GetInt32(), 1, 24);
        });
    }

    /// <summary>Metrics on the management port and not on the site's, health on both, and no page on the management port.</summary>
    private static async Task OnlyThereAsync(RunningApp app, Uri management)
    {
        using var http = new HttpClient { BaseAddress = management };
        foreach (var (client, address, status) in new[]
        {
            (app.Http, "/metrics", HttpStatusCode.NotFound), (http, "/metrics", HttpStatusCode.OK),
            (app.Http, "/health/ready", HttpStatusCode.OK), (http, "/health/ready", HttpStatusCode.OK),
            (app.Http, "/health/live", HttpStatusCode.OK), (http, "/health/live", HttpStatusCode.OK),
            (http, "/usage", HttpStatusCode.NotFound), (http, "/account/sign-in", HttpStatusCode.NotFound),
        })
        {
            using var answer = await client.GetAsync(new Uri(address, UriKind.Relative), Cancellation);
            Assert.Equal(status, answer.StatusCode);
        }
    }

    private static async Task<PrometheusText> ScrapeAsync(Uri management)
    {
        using var http = new HttpClient { BaseAddress = management };
        using var answer = await http.GetAsync(new Uri("/metrics", UriKind.Relative), Cancellation);
        Assert.Equal("text/plain", answer.Content.Headers.ContentType!.MediaType);
        return PrometheusText.Parse(await answer.Content.ReadAsStringAsync(Cancellation));
    }

    /// <summary>A rule that fires, with a webhook whose secret cannot be read: the post is given up.</summary>
    private async Task AddAlertAsync(Guid user)
    {
        await Database.ExecuteAsync(
            "INSERT INTO alert_rules (name, kind, threshold, user_type, webhook_url, webhook_secret, is_enabled) VALUES ('Paid', 'first-payment', 0, 'external', 'https://hooks.example.test/secret', 'x', true)");
        await Database.AddPurchaseAsync(user, 5, "completed");
    }

    private async Task UseAsync(RunningApp app, Guid user)
    {
        using var stream = await app.Http.GetAsync(new Uri("/usage/events", UriKind.Relative), HttpCompletionOption.ResponseHeadersRead, Cancellation);
        using (var second = await app.Http.GetAsync(new Uri("/usage/events", UriKind.Relative), HttpCompletionOption.ResponseHeadersRead, Cancellation))
            Assert.Equal(HttpStatusCode.TooManyRequests, second.StatusCode);
        for (var i = 0; i < 3; i++)
        {
            await Database.AddLogAsync(user);
            using var table = await app.Http.GetAsync(new Uri("/usage/table", UriKind.Relative), Cancellation);
            using var again = new HttpRequestMessage(HttpMethod.Get, "/usage/table");
            again.Headers.TryAddWithoutValidation("If-None-Match", table.Headers.ETag!.ToString());
            using var known = await app.Http.SendAsync(again, Cancellation);
        }

        await Database.ExecuteAsync("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'UsageLogsSite listener'");
        await using var events = await stream.Content.ReadAsStreamAsync(Cancellation);
        using var lines = new StreamReader(events);
        while (await lines.ReadLineAsync(Cancellation) is { } line && line != "event: usage-changed")
        {
        }
    }

    private async Task<string> CreateKeyAsync()
    {
        var made = await CommandRun.RunAsync("keys", "create", "--name", "shop", "--scopes", "usage-logs:write", $"--ConnectionStrings:UsageLogs={Database.ConnectionString}");
        return made.Output.Split('\n').Single(line => line.StartsWith(ApiKeys.Prefix, StringComparison.Ordinal));
    }

    private static async Task PostAsync(RunningApp app, string key, Guid user)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/usage-logs")
        {
            Content = JsonContent.Create(new { user_id = user, model = "sage-3", prompt_tokens = 1, completion_tokens = 2 }),
        };
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", key);
        using var answer = await app.Http.SendAsync(request, Cancellation);
        Assert.Equal(HttpStatusCode.Created, answer.StatusCode);
    }

    /// <summary>The names of all metrics that the dashboard and the alerting rules ask for.</summary>
    private static async Task<IReadOnlyList<string>> NamesAsync()
    {
        var dashboard = JsonDocument.Parse(await File.ReadAllTextAsync(Path.Combine(Operations, "grafana-dashboard.json"), Cancellation));
        var expressions = dashboard.RootElement.GetProperty("panels").EnumerateArray()
            .Where(p => p.TryGetProperty("targets", out _)).SelectMany(p => p.GetProperty("targets").EnumerateArray()).Select(t => t.GetProperty("expr").GetString()!);
        var rules = (await File.ReadAllLinesAsync(Path.Combine(Operations, "alerts.prometheus.yaml"), Cancellation)).Where(line => line.Contains("expr:", StringComparison.Ordinal));
        return [.. expressions.Concat(rules).SelectMany(e => Metric().Matches(NoMetric().Replace(e, " "))).Select(m => m.Value).Distinct().Order()];
    }

    /// <summary>The document names exactly the site's own metrics, and these have no other labels than those above.</summary>
    private static void CheckDocument(PrometheusText metrics)
    {
        var document = File.ReadAllText(Path.Combine(Operations, "telemetry.md"));
        var documented = Documented().Matches(document).Select(m => m.Groups[1].Value.Replace('.', '_')).ToHashSet();
        var measured = metrics.Families.Where(f => f.StartsWith("usage_logs_site", StringComparison.Ordinal))
            .Select(f => Without(Without(f, "_total"), "_seconds"));
        Assert.Equal(documented.Order(), measured.Order());
        Assert.All(metrics.Families.Where(f => f.StartsWith("usage_logs_site", StringComparison.Ordinal)), f => Assert.Subset(AllowedLabels.ToHashSet(), metrics.LabelsOf(f).ToHashSet()));
    }

    private static string Without(string name, string end) => name.EndsWith(end, StringComparison.Ordinal) ? name[..^end.Length] : name;

    [GeneratedRegex(@"(usage_logs_site|db_client|http_server|kestrel|dotnet|aspnetcore)_[a-z_0-9]+")]
    private static partial Regex Metric();

    [GeneratedRegex(@"\bby \([^)]*\)|\{[^}]*\}")]
    private static partial Regex NoMetric();

    [GeneratedRegex(@"^\| `(usage_logs_site\.[a-z_.]+)`", RegexOptions.Multiline)]
    private static partial Regex Documented();
}

namespace UsageLogsSite.Tests.Hosting;

/// <summary>A wrong setting stops the start with a message, not with a stack trace.</summary>
public sealed class SettingsTests(PublishedApp published)
{
    [Theory]
    [InlineData("Live:Debounce", "-00:00:01", "Live:Debounce is -00:00:01; allowed is 00:00:00 to 00:10:00")]
    [InlineData("Live:Heartbeat", "00:00:00", "Live:Heartbeat is 00:00:00; allowed is 00:00:01 to 00:05:00")]
    [InlineData("Live:Settle", "soon", "'soon' at 'Live:Settle'")]
    [InlineData("Live:Heartbeat", "00:00:99", "at 'Live:Heartbeat'")]
    [InlineData("Live:MaxStreams", "many", "at 'Live:MaxStreams'")]
    [InlineData("Rollup:BatchSize", "0", "Rollup:BatchSize is 0; allowed is 1 to 1000000")]
    [InlineData("Retention:Keep", "a-year", "Retention:Keep is a-year; allowed is 1-months to 1200-months, such as 13-months")]
    [InlineData("Usage:TimeZone", "Mars/Olympus", "Usage:TimeZone is Mars/Olympus; allowed is the IANA id of a time zone")]
    [InlineData("Usage:TimeZone", "", "Usage:TimeZone is ; allowed is the IANA id of a time zone")]
    [InlineData("Telemetry:ManagementUrl", "127.0.0.1:9464", "Telemetry:ManagementUrl is 127.0.0.1:9464; allowed is http://, a host and a port")]
    [InlineData("OTEL_EXPORTER_OTLP_ENDPOINT", "collector", "OTEL_EXPORTER_OTLP_ENDPOINT is collector; allowed is the http:// or https:// address")]
    [InlineData("Health:MaxFoldLag", "00:00:00", "Health:MaxFoldLag is 00:00:00; allowed is 00:00:01 to 1.00:00:00")]
    [InlineData("Proxy:KnownNetworks", "10.1.2.0/33", "Proxy:KnownNetworks has 10.1.2.0/33; allowed are networks")]
    [InlineData("Proxy:KnownNetworks", "10.0.0.0/8, 0.0.0.0/0", "Proxy:KnownNetworks has 0.0.0.0/0; allowed are networks")]
    [InlineData("Proxy:KnownProxies", "127.0.0.1, nginx", "Proxy:KnownProxies has nginx; allowed are addresses")]
    [InlineData("ASPNETCORE_FORWARDEDHEADERS_ENABLED", "true", "Remove it, and name your proxies")]
    [InlineData("ConnectionStrings:UsageLogs", "Hots=localhost", "ConnectionStrings:UsageLogs cannot be read")]
    [InlineData("ConnectionStrings:Member", "Host=127.0.0.1;Multiplexing=true", "ConnectionStrings:Member sets Multiplexing")]
    public async Task It_names_key_value_and_what_is_allowed(string key, string value, string message)
    {
        var settings = new Dictionary<string, string>
        {
            // Nobody listens there: the settings must be refused before the database is waited for.
            ["ConnectionStrings:UsageLogs"] = "Host=127.0.0.1;Port=9;Username=nobody;Timeout=1",
            [key] = value,
        };
        var (exitCode, _, error) = await published.RunAsync(settings);
        Assert.Equal(1, exitCode);
        Assert.Contains(message, error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", error, StringComparison.Ordinal);
    }
}

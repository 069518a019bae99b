using System.Text.Json;
using UsageLogsSite.Filters;
using UsageLogsSite.Queries;

namespace UsageLogsSite.Benchmarks.Live.Servers;

/// <summary>Polling: each viewer asks every two seconds, and each request asks the database.</summary>
internal static class PollingServer
{
    // As bytes, so that the answer says how long it is.
    internal static void Map(WebApplication app) => app.MapGet("/table", async (HttpContext http, UsageTable table) => Results.Bytes(
        JsonSerializer.SerializeToUtf8Bytes(TableJson.Of(await table.ReadAsync(UsageFilter.Parse(http.Request.Query), http.RequestAborted)), JsonSerializerOptions.Web),
        "application/json"));
}

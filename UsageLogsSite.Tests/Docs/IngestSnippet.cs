using System.Net;
using System.Net.Http.Json;
using System.Text.Json;

namespace UsageLogsSite.Tests.Docs;

// From here on docs/ingest.md has this very text: IngestDocTests.
internal sealed class UsageSender(HttpClient http)
{
    private static readonly JsonSerializerOptions Json = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    /// <summary>Writes logs, each once, however often it has to be tried: as they have ids, sending again is safe.</summary>
    internal async Task WriteAsync(IReadOnlyCollection<UsageLogLine> logs, CancellationToken cancellation)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                using var response = await http.PostAsJsonAsync("/api/usage-logs", logs, Json, cancellation);
                if (response.IsSuccessStatusCode)
                    return;
                if (response.StatusCode is not (HttpStatusCode.TooManyRequests or HttpStatusCode.ServiceUnavailable) || attempt == 10)
                    throw new InvalidOperationException(await response.Content.ReadAsStringAsync(cancellation)); // says which rows, fields and why
                await Task.Delay(response.Headers.RetryAfter?.Delta ?? TimeSpan.FromSeconds(attempt), cancellation);
            }
            catch (HttpRequestException) when (attempt < 10)
            {
                await Task.Delay(TimeSpan.FromSeconds(attempt), cancellation);
            }
        }
    }
}

internal sealed record UsageLogLine(string Id, Guid UserId, string Model, int PromptTokens, int CompletionTokens, decimal Credits, decimal CostUsd, DateTimeOffset CreatedAt);

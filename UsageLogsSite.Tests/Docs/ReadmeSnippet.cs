using System.Net.Http.Json;

namespace UsageLogsSite.Tests.Docs;

/// <summary>What the README shows in C#, line for line: IngestDocTests.</summary>
internal static class ReadmeSnippet
{
    internal static async Task WriteAsync(HttpClient http, Guid userId)
    {
        var log = new { id = "resp-2", user_id = userId, model = "sage-3", prompt_tokens = 1200, completion_tokens = 300, credits = 1.5, cost_usd = 0.012 };
        using var answer = await http.PostAsJsonAsync("/api/usage-logs", log);
        answer.EnsureSuccessStatusCode(); // otherwise its body says what to correct; not answered at all, send it again
    }
}

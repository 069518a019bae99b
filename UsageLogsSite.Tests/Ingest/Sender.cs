using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using UsageLogsSite.Ingest;
using UsageLogsSite.Tests.Support;

namespace UsageLogsSite.Tests.Ingest;

/// <summary>An application that writes over HTTP with a key of its own.</summary>
internal sealed class Sender : IDisposable
{
    private readonly HttpClient _http;

    private Sender(Site site, string key, Guid keyId)
    {
        (Key, KeyId) = (key, keyId);
        _http = new HttpClient(new SocketsHttpHandler { UseCookies = false, AllowAutoRedirect = false }) { BaseAddress = site.Address };
        _http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key);
    }

    internal string Key { get; }

    internal Guid KeyId { get; }

    /// <summary>Makes a key, with all scopes unless some are named.</summary>
    internal static async Task<Sender> CreateAsync(Site site, string source = "shop", params string[] scopes)
    {
        await using var scope = site.Services.CreateAsyncScope();
        var (key, stored) = await scope.ServiceProvider.GetRequiredService<ApiKeyChanges>()
            .AddAsync(http: null, source, source, scopes.Length == 0 ? RowKind.Scopes : scopes, TestContext.Current.CancellationToken);
        return new Sender(site, key, stored.Id);
    }

    /// <summary>Posts a body.</summary>
    /// <param name="body">The body as text.</param>
    /// <param name="address">Where; usage logs unless said.</param>
    /// <param name="type">The type of the body.</param>
    /// <param name="idempotencyKey">The header; null for none.</param>
    internal Task<Answer> PostAsync(string body, string address = "/api/usage-logs", string type = MediaTypes.Json, string? idempotencyKey = null) =>
        PostAsync(Encoding.UTF8.GetBytes(body), address, type, idempotencyKey);

    /// <inheritdoc cref="PostAsync(string, string, string, string?)" />
    internal async Task<Answer> PostAsync(byte[] body, string address = "/api/usage-logs", string type = MediaTypes.Json, string? idempotencyKey = null)
    {
        using var content = new ByteArrayContent(body);
        content.Headers.ContentType = MediaTypeHeaderValue.Parse(type);
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(address, UriKind.Relative)) { Content = content };
        if (idempotencyKey is not null)
            request.Headers.Add("Idempotency-Key", idempotencyKey);
        return await SendAsync(request);
    }

    /// <summary>Sends any request.</summary>
    internal async Task<Answer> SendAsync(HttpRequestMessage request)
    {
        using var response = await _http.SendAsync(request, TestContext.Current.CancellationToken);
        return await Answer.OfAsync(response);
    }

    public void Dispose() => _http.Dispose();
}

/// <summary>What a sender was answered.</summary>
internal sealed record Answer(HttpStatusCode Status, string Type, string Body, HttpResponseHeaders Headers)
{
    internal int Inserted => Json.GetProperty("inserted").GetInt32();

    internal int Repeated => Json.GetProperty("repeated").GetInt32();

    internal string Problem => Json.GetProperty("type").GetString()!.Split(':')[^1];

    internal List<JsonElement> Errors => [.. Json.GetProperty("errors").EnumerateArray()];

    internal JsonElement Json => JsonDocument.Parse(Body).RootElement;

    internal static async Task<Answer> OfAsync(HttpResponseMessage response) => new(
        response.StatusCode, response.Content.Headers.ContentType?.MediaType ?? "", await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken), response.Headers);

    /// <summary>Asserts that all rows were taken.</summary>
    internal Answer Took(int inserted, int repeated)
    {
        Assert.True(Status is HttpStatusCode.OK or HttpStatusCode.Created, Body);
        Assert.Equal((inserted > 0 ? HttpStatusCode.Created : HttpStatusCode.OK, inserted, repeated), (Status, Inserted, Repeated));
        return this;
    }

    /// <summary>Asserts that nothing was taken.</summary>
    internal Answer Refused(HttpStatusCode status, string problem)
    {
        Assert.Equal((status, "application/problem+json", problem), (Status, Type, Type == "application/problem+json" ? Problem : Body));
        return this;
    }
}

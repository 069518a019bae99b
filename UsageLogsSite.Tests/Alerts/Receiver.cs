using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace UsageLogsSite.Tests.Alerts;

/// <summary>Somebody else's server that takes webhooks, on a real socket.</summary>
internal sealed class Receiver : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly ConcurrentQueue<Message> _messages = new();

    private Receiver(WebApplication app)
    {
        _app = app;
    }

    /// <summary>What it answers to each message; 204 if nobody says.</summary>
    internal Func<HttpContext, int, Task> Answer { get; set; } = (http, _) =>
    {
        http.Response.StatusCode = StatusCodes.Status204NoContent;
        return Task.CompletedTask;
    };

    /// <summary>Where to post.</summary>
    internal string Url => _app.Urls.Single() + "/hook?of=alerts";

    /// <summary>What has come, in order.</summary>
    internal IReadOnlyList<Message> Messages => [.. _messages];

    internal static async Task<Receiver> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var app = builder.Build();
        var receiver = new Receiver(app);
        app.Run(receiver.TakeAsync);
        await app.StartAsync(TestContext.Current.CancellationToken);
        return receiver;
    }

    public async ValueTask DisposeAsync() => await _app.DisposeAsync();

    private async Task TakeAsync(HttpContext http)
    {
        using var body = new StreamReader(http.Request.Body);
        var headers = http.Request.Headers;
        _messages.Enqueue(new Message(
            http.Request.Path, headers["webhook-id"].ToString(), headers["webhook-timestamp"].ToString(), headers["webhook-signature"].ToString(), await body.ReadToEndAsync()));
        await Answer(http, _messages.Count);
    }
}

/// <summary>A message as its receiver saw it.</summary>
internal sealed record Message(string Path, string Id, string Timestamp, string Signature, string Body)
{
    /// <summary>Whether it was signed with a secret, reckoned as Standard Webhooks describes it.</summary>
    internal bool IsSignedWith(string secret)
    {
        var key = Convert.FromBase64String(secret.Replace("whsec_", "", StringComparison.Ordinal));
        return Signature == "v1," + Convert.ToBase64String(HMACSHA256.HashData(key, Encoding.UTF8.GetBytes($"{Id}.{Timestamp}.{Body}")));
    }
}

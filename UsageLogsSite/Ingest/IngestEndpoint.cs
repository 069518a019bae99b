using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Threading.RateLimiting;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Options;
using Microsoft.Net.Http.Headers;
using UsageLogsSite.Access;
using UsageLogsSite.Data;

namespace UsageLogsSite.Ingest;

/// <summary>
/// <c>POST /api/usage-logs</c> and <c>/api/credit-purchases</c>. Outside of pages and their sign-in: an API key is all that counts here, and
/// counts nowhere else. Each request is carried out as a whole or not at all.
/// </summary>
internal sealed partial class IngestEndpoint(
    ApiKeys keys, IngestStore store, IOptions<IngestOptions> options, TimeProvider time, IngestMetrics metrics, ILogger<IngestEndpoint> logger) : IDisposable
{
    /// <summary>The header that says that an answer is the one of before.</summary>
    internal const string Replayed = "Idempotency-Replayed";

    private const string IdempotencyKey = "Idempotency-Key";
    private const int LongestIdempotencyKey = 255;
    private const string ProblemType = "application/problem+json";

    /// <summary>Bytes: a body that has no more is no burden, however many there are.</summary>
    private const int LargeBody = 16 * 1024;

    private const int MostWaiting = 1_000;

    /// <summary>Keys that are not known here yet, looked up at the same time: few, as each counts only once it was found to be nobody's.</summary>
    private const int LookUpsAtOnce = 4;

    private readonly TokenBuckets<Guid> _requests = new(options.Value.RequestsPerSecond, time);
    private readonly TokenBuckets<Guid> _rows = new(options.Value.RowsPerSecond, time);
    private readonly TokenBuckets<string> _unknownKeys = new(options.Value.UnknownKeysPerSecond, time);
    private readonly Turns _lookUps = new(LookUpsAtOnce);

    /// <summary>How many rows a batch has is known only once it was read: without turns, all that come at once would be read before any counts.</summary>
    private readonly PartitionedRateLimiter<Guid> _largeBodies = PartitionedRateLimiter.Create<Guid, Guid>(key => RateLimitPartition.GetConcurrencyLimiter(
        key, _ => new ConcurrencyLimiterOptions { PermitLimit = options.Value.LargeBodiesAtOnce, QueueLimit = MostWaiting }));

    /// <summary>Answers a request for rows of a kind.</summary>
    internal async Task AnswerAsync(HttpContext http, RowKind kind)
    {
        http.Response.Headers.CacheControl = "no-store";

        // Before anything is refused: a body that is too long even to be thrown away is cut off, and whoever still sends it sees no answer.
        if (http.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size)
            size.MaxRequestBodySize = options.Value.MaxBodyBytes;
        var began = time.GetTimestamp();
        try
        {
            var key = await AuthorizeAsync(http, kind);
            using var turn = await AwaitTurnAsync(http, key);
            var request = await ReadAsync(http, kind, key);
            var (answer, isReplayed) = await store.StoreAsync(request, http.RequestAborted);
            metrics.Stored(kind, answer, isReplayed);
            if (isReplayed)
                http.Response.Headers[Replayed] = "true";
            http.Response.StatusCode = answer.Inserted > 0 ? StatusCodes.Status201Created : StatusCodes.Status200OK;
            await WriteAsync(http, JsonSerializer.SerializeToUtf8Bytes(answer, IngestJson.Default.IngestAnswer), "application/json; charset=utf-8");
        }
        catch (IngestRefusal refusal)
        {
            if (refusal.InnerException is { } cause)
                LogFailed(logger, kind.Address, cause.Message);
            await RefuseAsync(http, refusal);
        }

        metrics.Answered(kind, http.Response.StatusCode, time.GetElapsedTime(began));
    }

    /// <summary>Tells why a request is not carried out.</summary>
    private static async Task RefuseAsync(HttpContext http, IngestRefusal refusal)
    {
        http.Response.StatusCode = refusal.Problem.Status;
        if (refusal.RetryAfter is { } wait)
            http.Response.Headers.RetryAfter = Math.Ceiling(wait.TotalSeconds).ToString(CultureInfo.InvariantCulture);
        foreach (var (name, value) in refusal.Headers)
            http.Response.Headers[name] = value;
        await WriteAsync(http, JsonSerializer.SerializeToUtf8Bytes(refusal.Problem, IngestJson.Default.IngestProblem), ProblemType);
    }

    private static async Task WriteAsync(HttpContext http, byte[] body, string type)
    {
        http.Response.ContentType = type;
        http.Response.ContentLength = body.Length;
        await http.Response.Body.WriteAsync(body, http.RequestAborted);
    }

    private async Task<ApiKeyGrant> AuthorizeAsync(HttpContext http, RowKind kind)
    {
        const string Scheme = "Bearer ";
        var header = http.Request.Headers.Authorization.ToString();
        if (!header.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase))
            throw IngestRefusal.NoKey(isGiven: false);

        var given = header[Scheme.Length..].Trim();
        var key = keys.Knows(given)
            ? await FindAsync(given, http.RequestAborted)
            : await _lookUps.TakeAsync(() => FindUnknownAsync(given, ClientId.NetworkOf(http), http.RequestAborted), http.RequestAborted);
        if (key is null)
            throw IngestRefusal.NoKey(isGiven: true);
        if (!key.Scopes.Contains(kind.Scope))
            throw IngestRefusal.OutOfScope(kind.Scope);
        if (_requests.WaitOf(key.Id) is { } requests)
            throw IngestRefusal.TooMuch(requests, "requests");
        _requests.Take(key.Id, 1);
        return key;
    }

    /// <summary>Whoever tries keys at random is slowed down before they cost queries; those with a good key at the same address are not.</summary>
    private async Task<ApiKeyGrant?> FindUnknownAsync(string given, string network, CancellationToken cancellation)
    {
        if (_unknownKeys.WaitOf(network) is { } unknown)
            throw IngestRefusal.TooMuch(unknown, "unknown keys from this address");
        var key = await FindAsync(given, cancellation);
        if (key is null)
            _unknownKeys.Take(network, 1);
        return key;
    }

    private async Task<ApiKeyGrant?> FindAsync(string key, CancellationToken cancellation)
    {
        try
        {
            return await keys.FindAsync(key, cancellation);
        }
        catch (Exception e) when (DatabaseFailure.Is(e))
        {
            throw IngestRefusal.Unavailable(e);
        }
    }

    /// <summary>Waits until the body may be read: of one key, only a few large ones are held at the same time.</summary>
    /// <returns>To be held until the rows are stored; null for a small body.</returns>
    private async Task<RateLimitLease?> AwaitTurnAsync(HttpContext http, ApiKeyGrant key)
    {
        var turn = http.Request.ContentLength <= LargeBody ? null : await _largeBodies.AcquireAsync(key.Id, 1, http.RequestAborted);
        if (turn is { IsAcquired: false })
            throw IngestRefusal.TooMuch(TimeSpan.FromSeconds(1), "large bodies at once");
        if (_rows.WaitOf(key.Id) is not { } rows)
            return turn;
        turn?.Dispose();
        throw IngestRefusal.TooMuch(rows, "rows");
    }

    private async Task<IngestRequest> ReadAsync(HttpContext http, RowKind kind, ApiKeyGrant key)
    {
        var isLines = IsLines(http.Request);
        var idempotencyKey = IdempotencyKeyOf(http.Request);
        var errors = new RowErrors();
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Encoding.UTF8.GetBytes(kind.Address + "\n"));
        var body = new BodyReader(new RowReader(kind, errors, time.GetUtcNow().UtcDateTime), isLines, options.Value.MaxRows, hash);
        var rows = await ReadAsync(http, body, key);
        if (errors.Count > 0)
            throw IngestRefusal.WrongRows(errors);
        foreach (var row in rows)
            row.Identify(kind.Table, key.Source);
        return new IngestRequest(kind, key.Source, idempotencyKey, hash.GetHashAndReset(), rows);
    }

    private async Task<List<IngestRow>> ReadAsync(HttpContext http, BodyReader body, ApiKeyGrant key)
    {
        try
        {
            return await body.ReadAsync(http.Request.BodyReader, http.RequestAborted);
        }
        catch (BodyTooLargeException e)
        {
            throw IngestRefusal.TooLarge(e.Message);
        }
        catch (JsonException e)
        {
            throw IngestRefusal.NoJson(e.Message, e.LineNumber + 1);
        }
        catch (BadHttpRequestException e) when (e.StatusCode == StatusCodes.Status413PayloadTooLarge)
        {
            throw IngestRefusal.TooLarge($"It has more than {options.Value.MaxBodyBytes} bytes; send it in several requests.");
        }
        catch (BadHttpRequestException e)
        {
            throw IngestRefusal.BadRequest(e.StatusCode, e.Message);
        }
        finally
        {
            _rows.Take(key.Id, body.Count); // whatever became of it, it was read
        }
    }

    private static bool IsLines(HttpRequest request)
    {
        var isKnown = MediaTypeHeaderValue.TryParse(request.ContentType, out var type);
        var name = isKnown ? type!.MediaType.ToString() : "";
        var isLines = name.Equals(MediaTypes.Lines, StringComparison.OrdinalIgnoreCase);
        if (!isLines && !name.Equals(MediaTypes.Json, StringComparison.OrdinalIgnoreCase))
            throw IngestRefusal.WrongType($"Allowed is {MediaTypes.Json} for an object or an array of them, and {MediaTypes.Lines} for an object on each line.");
        if (type!.Charset.HasValue && !HeaderUtilities.RemoveQuotes(type.Charset).Equals("utf-8", StringComparison.OrdinalIgnoreCase))
            throw IngestRefusal.WrongType("Bodies are in UTF-8.");
        if (!IsIdentity(request.Headers.ContentEncoding))
            throw IngestRefusal.WrongType("Bodies are sent as they are, without Content-Encoding.");
        return isLines;

        static bool IsIdentity(string? encoding) => string.IsNullOrEmpty(encoding) || encoding.Equals("identity", StringComparison.OrdinalIgnoreCase);
    }

    private static string? IdempotencyKeyOf(HttpRequest request)
    {
        var values = request.Headers[IdempotencyKey];
        if (values.Count == 0)
            return null;
        return values is [{ Length: > 0 and <= LongestIdempotencyKey } key] && key.All(c => c is >= ' ' and <= '~')
            ? key
            : throw IngestRefusal.BadRequest(StatusCodes.Status400BadRequest, $"{IdempotencyKey} must be given once, with 1 to {LongestIdempotencyKey} printable ASCII characters.");
    }

    /// <inheritdoc />
    public void Dispose()
    {
        _lookUps.Dispose();
        _largeBodies.Dispose();
    }

    [LoggerMessage(6002, LogLevel.Warning, "Ingest: {Address} could not be carried out: {Reason}")]
    private static partial void LogFailed(ILogger logger, string address, string reason);
}

using System.Globalization;

namespace UsageLogsSite.Ingest;

/// <summary>A request is not carried out, and its sender is told why.</summary>
/// <param name="problem">What the sender is told.</param>
/// <param name="cause">What failed on our side; null where nothing did.</param>
internal sealed class IngestRefusal(IngestProblem problem, Exception? cause = null) : Exception(problem.Detail, cause)
{
    /// <summary>What the sender is told.</summary>
    internal IngestProblem Problem => problem;

    /// <summary>When to try again; null where that would change nothing.</summary>
    internal TimeSpan? RetryAfter { get; private init; }

    /// <summary>Further headers of the answer.</summary>
    internal IReadOnlyDictionary<string, string> Headers { get; private init; } = new Dictionary<string, string>();

    internal static IngestRefusal NoKey(bool isGiven) => new(Make(
        401, "unauthorized", "An API key is needed",
        (isGiven ? "This key is not known, or was revoked." : "There is none in this request.") + " Send one as 'Authorization: Bearer …'; owners make them at /admin/keys."))
    {
        Headers = new Dictionary<string, string> { ["WWW-Authenticate"] = isGiven ? "Bearer error=\"invalid_token\"" : "Bearer" },
    };

    internal static IngestRefusal OutOfScope(string scope) => new(Make(
        403, "insufficient-scope", "This key may not do that", $"It lacks the scope {scope}: a key that has it can be made at /admin/keys."))
    {
        Headers = new Dictionary<string, string> { ["WWW-Authenticate"] = $"Bearer error=\"insufficient_scope\", scope=\"{scope}\"" },
    };

    internal static IngestRefusal TooMuch(TimeSpan wait, string what) => new(Make(
        429, "too-many-requests", "Too many requests", $"There are too many {what}. Wait as long as Retry-After says, and send the same again."))
    {
        RetryAfter = wait,
    };

    internal static IngestRefusal Unavailable(Exception? cause) => new(
        Make(503, "unavailable", "The database does not answer", "Send the same again: rows with ids, and requests with an Idempotency-Key, are stored once."), cause)
    {
        RetryAfter = TimeSpan.FromSeconds(5),
    };

    internal static IngestRefusal WrongType(string detail) => new(Make(415, "unsupported-media-type", "This type of body is not read here", detail))
    {
        Headers = new Dictionary<string, string> { ["Accept-Post"] = $"{MediaTypes.Json}, {MediaTypes.Lines}" },
    };

    internal static IngestRefusal TooLarge(string detail) => new(Make(413, "content-too-large", "The body is too large", detail));

    internal static IngestRefusal NoJson(string detail, long? line) => new(Make(400, "invalid-json", "The body is not the JSON that it should be", detail) with { Line = line });

    internal static IngestRefusal BadRequest(int status, string detail) => new(Make(status, "invalid-request", "This request cannot be read", detail));

    internal static IngestRefusal WrongRows(RowErrors errors) => OfRows(422, "invalid-rows", "Some rows are not allowed", "Nothing was stored.", errors);

    /// <summary>What the database cannot hold, though nothing is wrong with it here: a character that its encoding lacks.</summary>
    internal static IngestRefusal NotStorable(string detail) => new(Make(422, "invalid-rows", "Some rows are not allowed", $"Nothing was stored. The database says: {detail}"));

    internal static IngestRefusal OtherRows(RowErrors errors) =>
        OfRows(409, "other-contents", "Some ids are taken", "Nothing was stored: these ids came before, with other contents.", errors);

    internal static IngestRefusal OtherBody() => new(Make(
        409, "idempotency-key-reused", "This Idempotency-Key was used for something else", "A request with another address or body was carried out under it. Make a new key for each request."));

    /// <summary>The site shows a copy of another table, which would undo what is written here.</summary>
    internal static IngestRefusal IsCopy(string detail) => new(Make(409, "copied-table", "These rows are written elsewhere", detail));

    private static IngestRefusal OfRows(int status, string type, string title, string detail, RowErrors errors)
    {
        var problem = Make(status, type, title, $"{detail} {Count(errors)}");
        return new IngestRefusal(problem with { ErrorCount = errors.Count, Errors = errors.Told });
    }

    private static string Count(RowErrors errors) => errors.Count > errors.Told.Count
        ? string.Create(CultureInfo.InvariantCulture, $"There are {errors.Count} errors; these are the first {errors.Told.Count}.")
        : string.Create(CultureInfo.InvariantCulture, $"Errors: {errors.Count}.");

    private static IngestProblem Make(int status, string type, string title, string detail) => new("urn:usage-logs-site:problem:" + type, title, status, detail);
}

/// <summary>The types of bodies that are read.</summary>
internal static class MediaTypes
{
    /// <summary>One object, or an array of them.</summary>
    internal const string Json = "application/json";

    /// <summary>An object on each line.</summary>
    internal const string Lines = "application/x-ndjson";
}

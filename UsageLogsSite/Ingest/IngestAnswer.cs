using System.Text.Json.Serialization;

namespace UsageLogsSite.Ingest;

/// <summary>What became of a request that was carried out.</summary>
/// <param name="Inserted">Rows that were new.</param>
/// <param name="Repeated">Rows that were there before, under the same ids and with the same contents.</param>
internal sealed record IngestAnswer(int Inserted, int Repeated);

/// <summary>Why a request was not carried out (RFC 9457): nothing of it is stored.</summary>
/// <param name="Type">What kind of problem it is, for programs: a URN of this API.</param>
/// <param name="Title">The same for people.</param>
/// <param name="Status">The status of the answer.</param>
/// <param name="Detail">What was wrong and what would be right.</param>
internal sealed record IngestProblem(string Type, string Title, int Status, string Detail)
{
    /// <summary>The line of the body that is no JSON; null for other problems.</summary>
    public long? Line { get; init; }

    /// <summary>How many errors the rows have; null for other problems.</summary>
    public int? ErrorCount { get; init; }

    /// <summary>The first of them; null for other problems.</summary>
    public IReadOnlyList<RowError>? Errors { get; init; }
}

/// <summary>How answers are written.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(IngestAnswer))]
[JsonSerializable(typeof(IngestProblem))]
internal sealed partial class IngestJson : JsonSerializerContext;

namespace UsageLogsSite.Ingest;

/// <summary>What is wrong with the rows of a body: the first of it, and how much there is.</summary>
internal sealed class RowErrors
{
    /// <summary>How many are told; the others are counted.</summary>
    internal const int MostTold = 100;

    private readonly List<RowError> _told = [];

    /// <summary>How many there are in all.</summary>
    internal int Count { get; private set; }

    /// <summary>The first of them.</summary>
    internal IReadOnlyList<RowError> Told => _told;

    /// <summary>The row that is read; set by whoever reads.</summary>
    internal (int Index, long Line) Row { get; set; }

    /// <summary>Adds one about the row that is read.</summary>
    /// <param name="field">The field; null for the row as a whole.</param>
    /// <param name="detail">What is wrong, for people.</param>
    /// <param name="allowed">What would be right.</param>
    internal void Add(string? field, string detail, string allowed) => Add(Row.Index, Row.Line, field, detail, allowed);

    /// <summary>Adds one about a row that was read before.</summary>
    internal void Add(IngestRow row, string? field, string detail, string allowed) => Add(row.Index, row.Line, field, detail, allowed);

    private void Add(int index, long line, string? field, string detail, string allowed)
    {
        if (Count++ < MostTold)
            _told.Add(new RowError(index, line, field, detail, allowed));
    }
}

/// <summary>One thing that is wrong with one row.</summary>
/// <param name="Index">Which row of the body; the first is 0.</param>
/// <param name="Line">The line that the row begins on; the first is 1.</param>
/// <param name="Field">The field; null for the row as a whole.</param>
/// <param name="Detail">What is wrong, for people.</param>
/// <param name="Allowed">What would be right.</param>
internal sealed record RowError(int Index, long Line, string? Field, string Detail, string Allowed);

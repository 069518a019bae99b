namespace UsageLogsSite.Ingest;

/// <summary>A row as it was sent, checked as far as that is possible without the database.</summary>
/// <param name="index">Which row of the body; the first is 0.</param>
/// <param name="line">The line of the body that it begins on; the first is 1.</param>
/// <param name="values">What it says, but for ids and time: a value for each of the kind's fields.</param>
internal sealed class IngestRow(int index, long line, object[] values)
{
    /// <summary>Which row of the body; the first is 0.</summary>
    internal int Index => index;

    /// <summary>The line of the body that it begins on; the first is 1.</summary>
    internal long Line => line;

    /// <summary>What it says, but for ids and time: a value for each of the kind's fields.</summary>
    internal object[] Values => values;

    /// <summary>The id that its sender gave it; null for none: then it is new whenever it comes.</summary>
    internal string? GivenId { get; set; }

    /// <summary>The id that it is stored under; see <see cref="Identify"/>.</summary>
    internal Guid Id { get; private set; }

    /// <summary>A hash of what it says, but for its time; null for one without an id of its sender's.</summary>
    internal long? Content { get; private set; }

    /// <summary>The user it is about; there need not be one.</summary>
    internal Guid UserId { get; set; }

    /// <summary>When what it tells of happened, in UTC.</summary>
    internal DateTime CreatedAt { get; set; }

    /// <summary>Gives the row the id that it is stored under.</summary>
    /// <param name="table">Its table.</param>
    /// <param name="source">Who sent it.</param>
    internal void Identify(string table, string source)
    {
        if (GivenId is null)
        {
            Id = Guid.CreateVersion7(); // new ids next to each other keep the index small
            return;
        }

        Id = RowIds.Derive(table, source, GivenId);
        Content = RowIds.ContentOf(UserId, Values);
    }
}

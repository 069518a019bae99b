namespace UsageLogsSite.Data;

/// <summary>A row that came over HTTP with an id of its own: should it come again, it is known. <c>usage_logs</c> cannot tell, as its key has the time in it.</summary>
public sealed class IngestedId
{
    /// <summary>The id that the row is stored under: made of the source and the id that it gave.</summary>
    public Guid Id { get; set; }

    /// <summary>A hash of what the row said, but for its time: another row under the same id is told apart by it.</summary>
    public long Content { get; set; }

    /// <summary>When it came, in UTC.</summary>
    public DateTime At { get; set; }
}

namespace UsageLogsSite.Live;

/// <summary>Why a stream ended.</summary>
internal enum StreamEnd
{
    /// <summary>The reader left.</summary>
    Left,

    /// <summary>It was as old as streams get; the reader comes back.</summary>
    Age,

    /// <summary>The site stops.</summary>
    Stop,

    /// <summary>The reader may not see this any more.</summary>
    Revoked,

    /// <summary>The reader did not take an event in time.</summary>
    Slow,

    /// <summary>The reader did not even take the last event in time.</summary>
    Deadline,

    /// <summary>Something went wrong here.</summary>
    Failed,
}

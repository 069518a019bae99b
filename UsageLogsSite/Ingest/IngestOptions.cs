using UsageLogsSite.Hosting;

namespace UsageLogsSite.Ingest;

/// <summary>What applications may send: section <c>Ingest</c> of the settings. Each instance counts for itself.</summary>
internal sealed class IngestOptions
{
    /// <summary>Bytes of the largest body.</summary>
    [Allowed("Ingest", "1024", "104857600")]
    public int MaxBodyBytes { get; set; } = 8 * 1024 * 1024;

    /// <summary>Rows of the largest batch.</summary>
    [Allowed("Ingest", "1", "100000")]
    public int MaxRows { get; set; } = 10_000;

    /// <summary>Requests of one key in a second, over time; bursts may be twice that.</summary>
    [Allowed("Ingest", "1", "1000000")]
    public int RequestsPerSecond { get; set; } = 5_000;

    /// <summary>Rows of one key in a second, over time; bursts may be twice that, and a batch is taken whole where anything is left.</summary>
    [Allowed("Ingest", "1", "10000000")]
    public int RowsPerSecond { get; set; } = 50_000;

    /// <summary>Bodies of more than 16 KB that are read and stored for one key at the same time; further ones wait, unread.</summary>
    [Allowed("Ingest", "1", "1000")]
    public int LargeBodiesAtOnce { get; set; } = 8;

    /// <summary>Unknown keys that one address may try in a second; bursts may be twice that.</summary>
    [Allowed("Ingest", "1", "100000")]
    public int UnknownKeysPerSecond { get; set; } = 10;

    /// <summary>How long the ids of rows are remembered: within it a row that is sent again is known, however late.</summary>
    [Allowed("Ingest", "2.00:00:00", "3650.00:00:00")]
    public TimeSpan RememberIds { get; set; } = TimeSpan.FromDays(400);

    /// <summary>How long answers are kept under their <c>Idempotency-Key</c>.</summary>
    [Allowed("Ingest", "01:00:00", "30.00:00:00")]
    public TimeSpan RememberRequests { get; set; } = TimeSpan.FromHours(48);
}

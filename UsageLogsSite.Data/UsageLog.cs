namespace UsageLogsSite.Data;

/// <summary>One AI response. The table is partitioned by month; together with the time, the id is the key.</summary>
public sealed class UsageLog
{
    /// <summary>The log's id; the database makes one when none is given.</summary>
    public Guid Id { get; set; }

    /// <summary>The user who asked.</summary>
    public Guid UserId { get; set; }

    /// <summary>The name of the model that answered.</summary>
    public required string Model { get; set; }

    /// <summary>Tokens read; never negative.</summary>
    public int PromptTokens { get; set; }

    /// <summary>Tokens written; never negative.</summary>
    public int CompletionTokens { get; set; }

    /// <summary>Credits the response used; never negative.</summary>
    public decimal Credits { get; set; }

    /// <summary>What the response cost the operator, in US dollars; never negative.</summary>
    public decimal CostUsd { get; set; }

    /// <summary>How the response ended.</summary>
    public UsageLogStatus Status { get; set; }

    /// <summary>When the response was made, in UTC.</summary>
    public DateTime CreatedAt { get; set; }

    /// <summary>Another number after each change of the row: PostgreSQL's <c>xmin</c>.</summary>
    public uint Version { get; private set; }
}

namespace UsageLogsSite.Queries;

/// <summary>What a user used of one model on one day, by how it ended.</summary>
internal sealed class ModelUse
{
    /// <summary>The calendar day in the reporting time zone.</summary>
    public DateOnly Day { get; init; }

    /// <summary>The model's name.</summary>
    public string Model { get; init; } = "";

    /// <summary>Whether these responses failed.</summary>
    public bool HasFailed { get; init; }

    /// <summary>Number of usage logs.</summary>
    public long Requests { get; init; }

    /// <summary>Prompt and completion tokens together.</summary>
    public long Tokens { get; init; }

    /// <summary>Credits used.</summary>
    public decimal Credits { get; init; }

    /// <summary>Cost in US dollars.</summary>
    public decimal CostUsd { get; init; }
}

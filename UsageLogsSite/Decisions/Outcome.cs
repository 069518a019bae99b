namespace UsageLogsSite.Decisions;

/// <summary>What became of a decision.</summary>
internal enum OutcomeKind
{
    /// <summary>It is carried out, or was before.</summary>
    Done,

    /// <summary>What it is about has changed since the owner looked: nothing is done.</summary>
    Conflict,

    /// <summary>It cannot be carried out, however often it is sent.</summary>
    Refused,
}

/// <summary>What became of a decision, and why.</summary>
/// <param name="Kind">What became of it.</param>
/// <param name="Text">The answer, for people.</param>
/// <param name="Version">After a conflict: the version with which the owner, who has read what changed, can decide the same again; else null.</param>
internal sealed record Outcome(OutcomeKind Kind, string Text, uint? Version = null)
{
    /// <summary>It is carried out.</summary>
    internal static Outcome Done(string text) => new(OutcomeKind.Done, text);

    /// <summary>It cannot be.</summary>
    internal static Outcome Refused(string text) => new(OutcomeKind.Refused, text);

    /// <summary>The row is another by now.</summary>
    internal static Outcome Conflict(string text, uint version) => new(OutcomeKind.Conflict, text, version);
}

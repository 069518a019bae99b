namespace UsageLogsSite.Rollup;

/// <summary>What this instance knows of the fold.</summary>
internal sealed class RollupStatus
{
    private volatile bool _isElected;

    /// <summary>Whether this instance folds.</summary>
    public bool IsElected
    {
        get => _isElected;
        set => _isElected = value;
    }
}

namespace UsageLogsSite.Rollup;

/// <summary>What the elected instance does beside its fold.</summary>
internal interface IElectedDuty
{
    /// <summary>Works until the instance is not elected any more. It looks after its own failures: nobody begins it anew.</summary>
    /// <param name="cancellation">The instance is not elected any more, or stops.</param>
    Task RunAsync(CancellationToken cancellation);
}

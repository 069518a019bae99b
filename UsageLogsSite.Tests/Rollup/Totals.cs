using UsageLogsSite.Rollup;
using UsageLogsSite.Tests.Support;

namespace UsageLogsSite.Tests.Rollup;

/// <summary>The oracle: totals as an aggregation of the raw tables gives them.</summary>
internal static class Totals
{
    /// <summary>Fails unless the kept totals are the raw tables' sums to the last digit, less what is not folded yet.</summary>
    internal static async Task AssertExactAsync(PostgresDatabase database)
    {
        await using var connection = await database.DataSource.OpenConnectionAsync(PostgresDatabase.Cancellation);
        Assert.Empty(await new TotalsCheck(connection, TimeProvider.System).DifferencesAsync(PostgresDatabase.Cancellation).ToListAsync(PostgresDatabase.Cancellation));
    }
}

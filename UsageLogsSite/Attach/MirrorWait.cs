using Npgsql;
using UsageLogsSite.Data;

namespace UsageLogsSite.Attach;

/// <summary>
/// Waits until all that was noted when tables were compared is copied, or kept aside. What is noted later is not waited for: where writers
/// write all the time, something always is.
/// </summary>
/// <param name="owner">The database, as the owner of the site's tables.</param>
/// <param name="time">Times waiting.</param>
internal sealed class MirrorWait(NpgsqlDataSource owner, TimeProvider time)
{
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(100);

    private readonly string _schema = DatabaseSchema.Of(owner.ConnectionString);

    /// <summary>Waits as long as anything of it is being copied.</summary>
    /// <param name="compared">What comparing has shown.</param>
    /// <param name="patience">Gives up after this long in which nothing was copied.</param>
    /// <param name="cancellation">Gives up at once.</param>
    /// <returns>What is wrong, in words; null once all is copied.</returns>
    /// <exception cref="NpgsqlException">The database failed.</exception>
    internal async Task<string?> RunAsync(IReadOnlyList<MirrorResult> compared, TimeSpan patience, CancellationToken cancellation)
    {
        var noted = compared.Where(result => result.LastNote is not null).ToList();
        var (since, last) = (time.GetTimestamp(), "");
        while (true)
        {
            List<string> waiting = [];
            foreach (var result in noted)
            {
                if (await OldestAsync(result, cancellation) is { } oldest)
                    waiting.Add($"{result.Target} {oldest}");
            }

            if (waiting.Count == 0)
                return await AnyFailedAsync(noted, cancellation) ? "Some of these changes could not be copied: 'attach verify' lists them now, with the reasons." : null;
            var now = string.Join(' ', waiting);
            if (now != last)
                (since, last) = (time.GetTimestamp(), now);
            else if (time.GetElapsedTime(since) >= patience)
                return "Nothing is being copied: does a site run on this database? Its log says why it does not copy.";
            await Task.Delay(Poll, time, cancellation);
        }
    }

    /// <summary>Notes are taken in their order: once the last one is gone, so are all that were seen with it.</summary>
    /// <returns>The oldest note; null once the last one is gone.</returns>
    private async Task<long?> OldestAsync(MirrorResult result, CancellationToken cancellation)
    {
        var queue = $"{_schema}.attach_{result.Target}";
        await using var command = owner.CreateCommand(
            $"SELECT (SELECT min(seq) FROM {queue} WHERE error IS NULL) WHERE EXISTS (SELECT FROM {queue} WHERE error IS NULL AND seq = {result.LastNote})");
        return await command.ExecuteScalarAsync(cancellation) as long?;
    }

    private async Task<bool> AnyFailedAsync(IEnumerable<MirrorResult> noted, CancellationToken cancellation)
    {
        foreach (var result in noted)
        {
            await using var command = owner.CreateCommand($"SELECT EXISTS (SELECT FROM {_schema}.attach_{result.Target} WHERE error IS NOT NULL)");
            if (await command.ExecuteScalarAsync(cancellation) is true)
                return true;
        }

        return false;
    }
}

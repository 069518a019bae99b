using System.Diagnostics;
using System.Net;
using UsageLogsSite.Benchmarks.Live.Viewers;
using UsageLogsSite.Benchmarks.Support;

namespace UsageLogsSite.Benchmarks.Live;

/// <summary>Many viewers of a site, spread evenly over filters.</summary>
internal sealed class Audience : IAsyncDisposable
{
    private const int OpenedAtOnce = 64;

    private static readonly string[] Windows = ["all", "active-30d"];
    private static readonly string[] Directions = ["desc", "asc"];
    private static readonly string[] Sorts = ["last-activity", "name", "requests", "tokens", "credits", "cost", "revenue"];
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(5);

    private readonly CancellationTokenSource _over = new();
    private readonly List<FetchConnection> _fetches;
    private List<Task> _following = [];

    private Audience(List<Viewer> viewers, List<FetchConnection> fetches)
    {
        Viewers = viewers;
        _fetches = fetches;
    }

    internal IReadOnlyList<Viewer> Viewers { get; }

    /// <summary>Bytes received by all.</summary>
    internal long Received => Viewers.Sum(v => v.Received) + _fetches.Sum(f => f.Received);

    /// <summary>How often content was replaced, over all.</summary>
    internal long Refreshes => Viewers.Sum(v => (long)v.Refreshes);

    /// <summary>Why viewers gave up.</summary>
    internal IReadOnlyList<Exception> Failures => [.. Viewers.Select(v => v.Failure).OfType<Exception>()];

    /// <summary>Filters that show the same users in different orders: each change touches every one of them.</summary>
    internal static IEnumerable<string> Filters(int count) =>
        from window in Windows
        from direction in Directions
        from sort in Sorts
        where count-- > 0
        select $"?type=external&activity={window}&sort={sort}&dir={direction}";

    /// <summary>Opens pages; returns when all show something.</summary>
    internal static async Task<Audience> OpenAsync(string variant, IPEndPoint address, int count, int filterSets, CancellationToken cancellation)
    {
        var filters = Filters(filterSets).ToList();
        var fetches = Enumerable.Range(0, Math.Min(count, Descriptors.Left(count))).Select(_ => new FetchConnection(address)).ToList();
        var viewers = Enumerable.Range(0, count)
            .Select(i => Viewer.Create(variant, address, filters[i % filters.Count], fetches[i % fetches.Count])).ToList();
        await Parallel.ForEachAsync(
            viewers,
            new ParallelOptions { MaxDegreeOfParallelism = OpenedAtOnce, CancellationToken = cancellation },
            async (viewer, token) => await viewer.OpenAsync(token));
        var audience = new Audience(viewers, fetches);
        audience._following = [.. viewers.Select(v => v.FollowAsync(audience._over.Token))];
        return audience;
    }

    /// <summary>Ends connections that only fetched, as browsers do after a while of silence.</summary>
    internal void CloseFetches() => _fetches.ForEach(f => f.Close());

    /// <summary>Waits until every viewer shows at least so many requests.</summary>
    /// <returns>How long after a moment each came to show it, in milliseconds; those who did not in time are missing.</returns>
    internal async Task<List<double>> ShowAsync(long requests, long since, TimeSpan patience, CancellationToken cancellation)
    {
        while (Viewers.Any(v => v.Shown < requests) && Stopwatch.GetElapsedTime(since) < patience)
            await Task.Delay(Look, cancellation);
        return [.. Viewers.Where(v => v.Shown >= requests).Select(v => Stopwatch.GetElapsedTime(since, v.ShownAt).TotalMilliseconds)];
    }

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        await _over.CancelAsync();
        foreach (var viewer in Viewers)
            viewer.Dispose();
        foreach (var fetch in _fetches)
            fetch.Dispose();
        await Task.WhenAll(_following);
        _over.Dispose();
    }
}

using System.Collections.Concurrent;
using System.Net.ServerSentEvents;
using UsageLogsSite.Filters;
using UsageLogsSite.Live;
using UsageLogsSite.Queries;

namespace UsageLogsSite.Benchmarks.Live.Servers;

/// <summary>One watched view for each filter, for servers that push content: as sparing with the database as the site itself.</summary>
internal sealed class SharedViews(FilterSets sets)
{
    private readonly ConcurrentDictionary<string, SharedView> _views = new();

    /// <summary>The view of a filter, watched from its first use on.</summary>
    internal SharedView Of(string query) => _views.GetOrAdd(query, _ => new SharedView(UsageFilter.Parse(ParseQuery(query)), sets));

    private static QueryCollection ParseQuery(string query) => new(Microsoft.AspNetCore.WebUtilities.QueryHelpers.ParseQuery(query));
}

/// <summary>A view and who wants to know when it changes.</summary>
internal sealed class SharedView
{
    private readonly FilterSets _sets;
    private readonly UsageFilter _filter;
    private readonly LiveStream _stream;
    private readonly Task<UsageView> _first;

    internal SharedView(UsageFilter filter, FilterSets sets)
    {
        _sets = sets;
        _filter = filter;
        _stream = sets.Subscribe(filter, version: null);
        _first = sets.ReadAsync(filter, CancellationToken.None);
        _ = FollowAsync();
    }

    /// <summary>Raised with each new content.</summary>
    internal event Action<UsageView>? Changed;

    /// <summary>What it shows now.</summary>
    internal Task<UsageView> CurrentAsync() => _first.IsCompletedSuccessfully ? _sets.ReadAsync(_filter, CancellationToken.None) : _first;

    private async Task FollowAsync()
    {
        await foreach (SseItem<string> item in _stream.ReadAllAsync(CancellationToken.None))
        {
            if (item.EventType == LiveStream.UsageChanged)
                Changed?.Invoke(await _sets.ReadAsync(_filter, CancellationToken.None));
        }
    }
}

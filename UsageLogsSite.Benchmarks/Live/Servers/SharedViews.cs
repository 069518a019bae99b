using System.Collections.Concurrent;
using System.IO.Pipelines;
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
    internal SharedView Of(string query) => _views.GetOrAdd(query, _ => new SharedView(new TableQuestion(UsageFilter.Parse(ParseQuery(query))), sets));

    private static QueryCollection ParseQuery(string query) => new(Microsoft.AspNetCore.WebUtilities.QueryHelpers.ParseQuery(query));
}

/// <summary>A view and who wants to know when it changes.</summary>
internal sealed class SharedView
{
    private readonly FilterSets _sets;
    private readonly TableQuestion _question;
    private readonly LiveStream _stream;

    internal SharedView(TableQuestion question, FilterSets sets)
    {
        _sets = sets;
        _question = question;
        _stream = sets.Subscribe(question, version: null, client: "benchmark");
        _ = FollowAsync();
    }

    /// <summary>Raised with each new content.</summary>
    internal event Action<UsageView>? Changed;

    /// <summary>What it shows now.</summary>
    internal async Task<UsageView> CurrentAsync() => (UsageView)await _sets.ReadAsync(_question, CancellationToken.None);

    private async Task FollowAsync()
    {
        // The same stream that a browser would hold, over a pipe instead of a connection.
        var pipe = new Pipe();
        var http = new DefaultHttpContext { Response = { Body = pipe.Writer.AsStream() } };
        var carrying = _stream.CarryAsync(http, CancellationToken.None);
        await foreach (var item in SseParser.Create(pipe.Reader.AsStream()).EnumerateAsync())
        {
            if (item.EventType == LiveEvent.UsageChanged)
                Changed?.Invoke(await CurrentAsync());
        }

        await carrying;
    }
}

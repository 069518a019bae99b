using UsageLogsSite.Queries;

namespace UsageLogsSite.Live;

/// <summary>What a filter set has read: the newest content, a few views before it, and which versions came before. The caller's lock guards what writes, and <see cref="WasBefore"/>.</summary>
internal sealed class ViewMemory
{
    /// <summary>Views remembered beside the current one, for readers who are a little behind.</summary>
    private const int Earlier = 3;

    /// <summary>Versions whose names are remembered, for readers who are far behind.</summary>
    private const int Names = 256;

    private readonly List<string> _names = [];
    private volatile Snapshot? _current;
    private volatile LiveView[] _earlier = [];
    private int _oldest;

    /// <summary>The newest content; null before the first reading.</summary>
    internal Snapshot? Current => _current;

    /// <summary>Keeps what was read. Equal content stays the same object: what others have made of it, such as its markup, stays with it.</summary>
    /// <returns>Whether it is other content than before.</returns>
    internal bool Keep(LiveView view, long readAt)
    {
        if (_current is { } same && same.View.Version == view.Version)
        {
            _current = same with { ReadAt = readAt };
            return false;
        }

        if (_current is { } last)
        {
            _earlier = [last.View, .. _earlier.Take(Earlier - 1)];
            Name(last.View.Version);
        }

        _current = new Snapshot(view, LiveEvent.Changed(view.Version), readAt);
        return true;
    }

    /// <summary>A view of a moment ago, by its entity tag; null if it is forgotten or never was.</summary>
    internal LiveView? Find(string etag) => Array.Find(_earlier, view => view.ETag == etag);

    /// <summary>
    /// Whether a version is known to be older than the current. Any other may be newer, however old this memory finds it: another instance
    /// may have read, and told of, what this one has not heard of.
    /// </summary>
    internal bool WasBefore(ReadOnlySpan<char> version)
    {
        if (_current is { } current && version.SequenceEqual(current.View.Version))
            return false;
        foreach (var name in _names)
        {
            if (version.SequenceEqual(name))
                return true;
        }

        return false;
    }

    private void Name(string version)
    {
        if (_names.Count < Names)
            _names.Add(version);
        else
            _names[_oldest++ % Names] = version;
    }

    /// <param name="View">What the database answered.</param>
    /// <param name="Event">What tells readers of it.</param>
    /// <param name="ReadAt">When the question was asked, as a timestamp of the time provider.</param>
    internal sealed record Snapshot(LiveView View, LiveEvent Event, long ReadAt);
}

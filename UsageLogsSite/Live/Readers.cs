using System.Collections;

namespace UsageLogsSite.Live;

/// <summary>Who watches one filter set on this instance: their streams, and whose they are. The caller's lock guards it.</summary>
/// <param name="time">The clock.</param>
internal sealed class Readers(TimeProvider time) : IEnumerable<LiveStream>
{
    /// <summary>For how long strangers are reckoned with after one came.</summary>
    private static readonly TimeSpan StrangersRemembered = TimeSpan.FromMinutes(1);

    private readonly Dictionary<LiveStream, string> _streams = [];
    private readonly Dictionary<string, int> _clients = [];
    private long? _lastStranger; // when somebody asked who is told of changes by another instance

    /// <summary>How many streams there are.</summary>
    internal int Count => _streams.Count;

    /// <summary>Adds a stream of a client.</summary>
    internal void Add(LiveStream stream, string client)
    {
        _streams.Add(stream, client);
        _clients[client] = _clients.GetValueOrDefault(client) + 1;
    }

    /// <summary>Removes a stream.</summary>
    internal void Remove(LiveStream stream)
    {
        if (!_streams.Remove(stream, out var client))
            return;
        if (_clients[client] == 1)
            _clients.Remove(client);
        else
            _clients[client]--;
    }

    /// <summary>
    /// Whether who asks has a stream here, and so will be told of whatever is read next. Several windows of one browser, and widgets behind one
    /// address, are one client: where others' readers ask here, a stream of theirs may be elsewhere, which matters while a change is on its way.
    /// </summary>
    /// <param name="client">Who asks.</param>
    /// <param name="isKnown">Whether what they show was read here too.</param>
    /// <param name="isSettled">Whether no change is on its way.</param>
    internal bool WillTell(string client, bool isKnown, bool isSettled)
    {
        if (!isKnown || !_clients.ContainsKey(client))
        {
            _lastStranger = time.GetTimestamp();
            return false;
        }

        return isSettled || _lastStranger is not { } last || time.GetElapsedTime(last) > StrangersRemembered;
    }

    /// <inheritdoc cref="IEnumerable{T}.GetEnumerator"/>
    public Dictionary<LiveStream, string>.KeyCollection.Enumerator GetEnumerator() => _streams.Keys.GetEnumerator();

    /// <inheritdoc />
    IEnumerator<LiveStream> IEnumerable<LiveStream>.GetEnumerator() => GetEnumerator();

    /// <inheritdoc />
    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}

using System.Globalization;
using System.Net;
using System.Text;
using UsageLogsSite.Ingest;

namespace UsageLogsSite.Benchmarks.Ingest;

/// <summary>A request of a sender, made once: only the ids in it change, so that what is measured is the site.</summary>
internal sealed class IngestBody
{
    private const string NoId = "00000000000000000000"; // as long as any number

    private static readonly byte[] Mark = Encoding.ASCII.GetBytes(NoId);

    private readonly byte[] _request;
    private readonly List<int> _ids = [];

    /// <summary>Prepares a request of some rows.</summary>
    /// <param name="site">Where it goes.</param>
    /// <param name="key">The API key.</param>
    /// <param name="users">Whose rows they are, one after the other.</param>
    /// <param name="rows">How many.</param>
    internal IngestBody(IPEndPoint site, string key, IReadOnlyList<Guid> users, int rows)
    {
        var first = Random.Shared.Next(users.Count);
        var body = string.Concat(Enumerable.Range(0, rows).Select(i =>
            $$"""{"id":"{{NoId}}","user_id":"{{users[(first + i) % users.Count]}}","model":"sage-3","prompt_tokens":100,"completion_tokens":50,"credits":1.5,"cost_usd":0.0025}""" + "\n"));
        _request = Encoding.ASCII.GetBytes(string.Create(
            CultureInfo.InvariantCulture,
            $"POST {RowKind.UsageLogs.Address} HTTP/1.1\r\nHost: {site}\r\nAuthorization: Bearer {key}\r\nContent-Type: {MediaTypes.Lines}\r\nContent-Length: {body.Length}\r\n\r\n{body}"));
        for (var at = 0; _request.AsSpan(at).IndexOf(Mark) is var found and >= 0; at += found + Mark.Length)
            _ids.Add(at + found);
    }

    /// <summary>The request, with ids that were never sent before.</summary>
    /// <param name="next">The next id; counted up.</param>
    internal ReadOnlyMemory<byte> With(ref long next)
    {
        var last = Interlocked.Add(ref next, _ids.Count);
        for (var i = 0; i < _ids.Count; i++)
            (last - i).TryFormat(_request.AsSpan(_ids[i], Mark.Length), out _, "D20", CultureInfo.InvariantCulture);
        return _request;
    }
}

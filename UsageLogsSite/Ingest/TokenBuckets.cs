using System.Collections.Concurrent;

namespace UsageLogsSite.Ingest;

/// <summary>
/// A token bucket for each of many names. Unlike those of .NET it may go into debt, as the number of a batch's rows is known only once it
/// was read, and a batch as large as is allowed must not be refused for ever.
/// </summary>
/// <param name="perSecond">Tokens that a bucket gets in a second; it holds twice as many.</param>
/// <param name="time">Says how long ago.</param>
/// <typeparam name="TName">What buckets are told apart by.</typeparam>
internal sealed class TokenBuckets<TName>(int perSecond, TimeProvider time)
    where TName : notnull
{
    private const int BurstSeconds = 2;
    private const int Most = 100_000;

    private readonly ConcurrentDictionary<TName, Bucket> _buckets = new();

    /// <summary>How long until the bucket has a token; null if it has one.</summary>
    internal TimeSpan? WaitOf(TName name)
    {
        var bucket = Of(name);
        lock (bucket)
        {
            Fill(bucket);
            return bucket.Tokens >= 1 ? null : TimeSpan.FromSeconds((1 - bucket.Tokens) / perSecond);
        }
    }

    /// <summary>Takes tokens, even if there are not as many.</summary>
    internal void Take(TName name, int tokens)
    {
        var bucket = Of(name);
        lock (bucket)
        {
            Fill(bucket);
            bucket.Tokens -= tokens;
        }
    }

    private Bucket Of(TName name)
    {
        if (_buckets.Count >= Most)
            _buckets.Clear(); // all are full again: better than to grow for ever
        return _buckets.GetOrAdd(name, static (_, full) => new Bucket { Tokens = full.Tokens, At = full.At }, (Tokens: (double)perSecond * BurstSeconds, At: time.GetTimestamp()));
    }

    private void Fill(Bucket bucket)
    {
        var now = time.GetTimestamp();
        bucket.Tokens = Math.Min((double)perSecond * BurstSeconds, bucket.Tokens + (time.GetElapsedTime(bucket.At, now).TotalSeconds * perSecond));
        bucket.At = now;
    }

    private sealed class Bucket
    {
        internal double Tokens { get; set; }

        internal long At { get; set; }
    }
}

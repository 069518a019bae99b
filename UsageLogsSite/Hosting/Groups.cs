using System.Collections.Concurrent;

namespace UsageLogsSite.Hosting;

/// <summary>Does in groups what is asked for one by one: at once while nothing else is being done, and what comes meanwhile together.</summary>
/// <typeparam name="T">What is asked for, with a way to tell who asked.</typeparam>
/// <param name="most">The largest group.</param>
/// <param name="atOnce">Groups that are done at the same time.</param>
/// <param name="work">Does a group, and tells each of it how that went; never throws.</param>
internal sealed class Groups<T>(int most, int atOnce, Func<IReadOnlyList<T>, Task> work)
{
    private readonly ConcurrentQueue<T> _waiting = new();
    private int _workers;

    /// <summary>How many wait for their turn.</summary>
    internal int Waiting => _waiting.Count;

    /// <summary>Has it done.</summary>
    internal void Add(T asked)
    {
        _waiting.Enqueue(asked);
        StartWorker();
    }

    private void StartWorker()
    {
        if (Interlocked.Increment(ref _workers) <= atOnce)
            _ = Task.Run(WorkAsync);
        else
            Interlocked.Decrement(ref _workers);
    }

    private async Task WorkAsync()
    {
        while (_waiting.TryDequeue(out var first))
        {
            List<T> group = [first];
            while (group.Count < most && _waiting.TryDequeue(out var next))
                group.Add(next);
            await work(group);
        }

        // One that came since the last look, and found all workers still there, waits for this.
        Interlocked.Decrement(ref _workers);
        if (!_waiting.IsEmpty)
            StartWorker();
    }
}

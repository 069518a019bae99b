using System.Collections.Concurrent;

namespace UsageLogsSite.Hosting;

/// <summary>Does in groups what is asked for one by one: at once while nothing else is being done, and what comes meanwhile together.</summary>
/// <typeparam name="TAsked">What is asked for.</typeparam>
/// <typeparam name="TAnswer">What each who asks is told.</typeparam>
/// <param name="most">The largest group.</param>
/// <param name="atOnce">Groups that are done at the same time.</param>
/// <param name="work">Does a group, and tells each of it how that went; what it throws is told to all of them that it told nothing.</param>
internal sealed class Groups<TAsked, TAnswer>(int most, int atOnce, Func<IReadOnlyList<Groups<TAsked, TAnswer>.Member>, Task> work)
{
    private readonly ConcurrentQueue<Member> _waiting = new();
    private int _workers;

    /// <summary>How many wait for their turn.</summary>
    internal int Waiting => _waiting.Count;

    /// <summary>Has it done.</summary>
    /// <param name="asked">What is asked for.</param>
    /// <param name="cancellation">Waits no longer: no one of a group ends it for the others.</param>
    internal Task<TAnswer> AskAsync(TAsked asked, CancellationToken cancellation)
    {
        var member = new Member(asked);
        _waiting.Enqueue(member);
        StartWorker();
        return member.Answer.Task.WaitAsync(cancellation);
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
            List<Member> group = [first];
            while (group.Count < most && _waiting.TryDequeue(out var next))
                group.Add(next);
            try
            {
                await work(group);
            }
            catch (Exception e) when (e is not OutOfMemoryException)
            {
                group.ForEach(member => member.Answer.TrySetException(e));
            }
        }

        // One that came since the last look, and found all workers still there, waits for this.
        Interlocked.Decrement(ref _workers);
        if (!_waiting.IsEmpty)
            StartWorker();
    }

    /// <summary>One of a group.</summary>
    /// <param name="asked">What is asked for.</param>
    internal sealed class Member(TAsked asked)
    {
        /// <summary>What is asked for.</summary>
        internal TAsked Asked => asked;

        /// <summary>Takes what is to be told.</summary>
        internal TaskCompletionSource<TAnswer> Answer { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}

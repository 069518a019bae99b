namespace UsageLogsSite.Hosting;

/// <summary>Does in groups what is asked for one by one: at once while nothing else is being done, and what comes meanwhile together.</summary>
/// <typeparam name="TAsked">What is asked for.</typeparam>
/// <typeparam name="TAnswer">What each who asks is told.</typeparam>
/// <param name="most">The largest group.</param>
/// <param name="atOnce">Groups that are done at the same time.</param>
/// <param name="work">Does a group, and tells each of it how that went; what it throws is told to all of them that it told nothing.</param>
internal sealed class Groups<TAsked, TAnswer>(int most, int atOnce, Func<IReadOnlyList<Groups<TAsked, TAnswer>.Member>, Task> work)
{
    // Under one lock, so that no one is left behind by a worker who has just found nobody, and ends.
    private readonly Lock _gate = new();
    private readonly Queue<Member> _waiting = new();
    private int _workers;

    /// <summary>How many wait for their turn.</summary>
    internal int Waiting
    {
        get
        {
            lock (_gate)
                return _waiting.Count;
        }
    }

    /// <summary>Has it done.</summary>
    /// <param name="asked">What is asked for.</param>
    /// <param name="cancellation">Waits no longer: no one of a group ends it for the others.</param>
    internal Task<TAnswer> AskAsync(TAsked asked, CancellationToken cancellation)
    {
        var member = new Member(asked);
        if (EnqueueNeedsWorker(member))
            _ = Task.Run(WorkAsync, CancellationToken.None);
        return member.Answer.Task.WaitAsync(cancellation);
    }

    private bool EnqueueNeedsWorker(Member member)
    {
        lock (_gate)
        {
            _waiting.Enqueue(member);
            if (_workers == atOnce)
                return false;
            _workers++;
            return true;
        }
    }

    private async Task WorkAsync()
    {
        while (NextGroup() is { Count: > 0 } group)
        {
            try
            {
                await work(group);
            }
            catch (Exception e)
            {
                group.ForEach(member => member.Answer.TrySetException(e));
            }
        }
    }

    /// <summary>Who is next; nobody, and the worker who asked is none any more.</summary>
    private List<Member> NextGroup()
    {
        lock (_gate)
        {
            var group = new List<Member>(Math.Min(most, _waiting.Count));
            while (group.Count < most && _waiting.TryDequeue(out var next))
                group.Add(next);
            if (group.Count == 0)
                _workers--;
            return group;
        }
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

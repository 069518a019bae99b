using UsageLogsSite.Queries;

namespace UsageLogsSite.Live;

/// <summary>The readings of one question: one at a time, shared by all who ask.</summary>
/// <param name="read">Reads; told whether for everybody, or only for who asked, as too little time has passed since everybody was told.</param>
/// <param name="isDue">Whether everybody may be told again.</param>
/// <param name="gap">The least time between the beginnings of two readings that only who asks wants.</param>
/// <param name="time">The clock.</param>
internal sealed class SharedReadings(Func<bool, Task<LiveView>> read, Func<bool> isDue, TimeSpan gap, TimeProvider time)
{
    private readonly Lock _gate = new();
    private Task<LiveView>? _underWay;
    private TaskCompletionSource<LiveView>? _wanted; // by who may not join the one under way
    private long? _begun;

    /// <summary>Whether one has begun and not ended.</summary>
    internal bool IsUnderWay => Volatile.Read(ref _underWay) is { IsCompleted: false };

    /// <summary>The reading under way, or else a new one, for everybody.</summary>
    internal Task<LiveView> JoinAsync()
    {
        lock (_gate)
            return _underWay is { IsCompleted: false } ? _underWay : Begin(isForAll: true);
    }

    /// <summary>A reading that has not begun yet: the same for all who ask until it does, so that however many they are, it is few.</summary>
    internal Task<LiveView> NextAsync()
    {
        lock (_gate)
        {
            if (_wanted is null)
            {
                _wanted = new TaskCompletionSource<LiveView>(TaskCreationOptions.RunContinuationsAsynchronously);
                _ = BeginAsync(_wanted, _underWay ?? Task.CompletedTask);
            }

            return _wanted.Task;
        }
    }

    private async Task BeginAsync(TaskCompletionSource<LiveView> wanted, Task underWay)
    {
        await Task.Yield();
        await underWay.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (_begun is { } begun && gap - time.GetElapsedTime(begun) is { Ticks: > 0 } wait)
            await Task.Delay(wait, time);
        lock (_gate)
        {
            // Another that has begun meanwhile has taken the wish along.
            if (_wanted == wanted)
                Begin(isDue());
        }
    }

    private Task<LiveView> Begin(bool isForAll)
    {
        _begun = time.GetTimestamp();
        _underWay = Task.Run(() => read(isForAll));
        if (_wanted is { } wanted)
            _ = HandOverAsync(_underWay, wanted);
        _wanted = null;
        return _underWay;
    }

    private static async Task HandOverAsync(Task<LiveView> reading, TaskCompletionSource<LiveView> wanted)
    {
        await ((Task)reading).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        wanted.SetFromTask(reading);
    }
}

using System.Data.Common;
using Microsoft.EntityFrameworkCore.Diagnostics;

namespace UsageLogsSite.Tests.Support;

/// <summary>Holds back what the database has already answered.</summary>
internal sealed class SlowAnswers : DbCommandInterceptor
{
    private readonly TaskCompletionSource _held = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private TaskCompletionSource _open = Opened();

    /// <summary>Completes when an answer is being held.</summary>
    internal Task Held => _held.Task;

    internal void Hold() => _open = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

    internal void Release() => _open.TrySetResult();

    public override async ValueTask<DbDataReader> ReaderExecutedAsync(
        DbCommand command, CommandExecutedEventData eventData, DbDataReader result, CancellationToken cancellationToken = default)
    {
        if (!_open.Task.IsCompleted)
            _held.TrySetResult();
        await _open.Task.WaitAsync(cancellationToken);
        return result;
    }

    private static TaskCompletionSource Opened()
    {
        var open = new TaskCompletionSource();
        open.SetResult();
        return open;
    }
}

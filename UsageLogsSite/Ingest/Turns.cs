using UsageLogsSite.Hosting;

namespace UsageLogsSite.Ingest;

/// <summary>Lets only so many to the database at the same time. Whoever gets no turn for as long as one waits for a connection is to come again.</summary>
/// <param name="atOnce">How many.</param>
internal sealed class Turns(int atOnce) : IDisposable
{
    private readonly SemaphoreSlim _free = new(atOnce);

    /// <summary>Waits for a turn, and does something in it.</summary>
    /// <exception cref="IngestRefusal">No turn came, or the work refuses.</exception>
    internal async Task<T> TakeAsync<T>(Func<Task<T>> work, CancellationToken cancellation)
    {
        if (!await _free.WaitAsync(Databases.PageTimeout, cancellation))
            throw IngestRefusal.Unavailable(cause: null);
        try
        {
            return await work();
        }
        finally
        {
            _free.Release();
        }
    }

    /// <inheritdoc />
    public void Dispose() => _free.Dispose();
}

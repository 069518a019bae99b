using Npgsql;
using UsageLogsSite.Data;

namespace UsageLogsSite.Hosting;

/// <summary>
/// Work that lives on one database connection of its own. When the connection is lost, or a newer primary than its server is seen, the work
/// begins anew on another one, after a wait that doubles until the work has begun again.
/// </summary>
/// <param name="databases">Know which server is the primary.</param>
/// <param name="source">Opens the connections.</param>
/// <param name="firstRetry">The wait after the first failure.</param>
/// <param name="time">The clock.</param>
internal abstract class ReconnectingService(Databases databases, NpgsqlDataSource source, TimeSpan firstRetry, TimeProvider time) : BackgroundService
{
    private static readonly TimeSpan LastRetry = TimeSpan.FromSeconds(5);

    /// <summary>The clock.</summary>
    protected TimeProvider Time { get; } = time;

    /// <inheritdoc />
    protected sealed override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var retry = firstRetry;
        while (!stoppingToken.IsCancellationRequested)
        {
            var reign = databases.Timeline.Reign;
            using var session = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken, reign);
            try
            {
                await using var connection = await source.OpenConnectionAsync(session.Token);
                await BeginAsync(connection, session.Token);
                retry = firstRetry;
                await RunAsync(connection, session.Token);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e)
            {
                // Whatever it was, the site stays up and tries again: an exception that leaves here would end it.
                var isOver = reign.IsCancellationRequested;
                Lose(retry, isOver ? "another server was promoted" : e.Message, isOver || DatabaseFailure.Is(e) ? null : e);
                databases.Timeline.Forget();
                await Task.Delay(retry, Time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                retry = retry * 2 < LastRetry ? retry * 2 : LastRetry;
            }
        }
    }

    /// <summary>Prepares a new connection; from its end on the connection counts as good.</summary>
    protected abstract Task BeginAsync(NpgsqlConnection connection, CancellationToken cancellation);

    /// <summary>Works until the connection fails.</summary>
    protected abstract Task RunAsync(NpgsqlConnection connection, CancellationToken cancellation);

    /// <summary>Says that the work is interrupted.</summary>
    /// <param name="retry">When it is tried again.</param>
    /// <param name="reason">What happened.</param>
    /// <param name="bug">What was thrown, if the database is not to blame for it.</param>
    protected abstract void Lose(TimeSpan retry, string reason, Exception? bug);
}

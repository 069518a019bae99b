using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Npgsql;
using UsageLogsSite.Benchmarks.Ingest;
using UsageLogsSite.Benchmarks.Support;

namespace UsageLogsSite.Benchmarks.Soak;

/// <summary>
/// An application that writes at a steady rate: nine rows of ten over HTTP, each sent again until it is answered; the tenth by SQL, for internal
/// users, with changes and deletions among them.
/// </summary>
/// <param name="database">The database.</param>
/// <param name="site">Where rows are posted.</param>
/// <param name="key">The API key.</param>
/// <param name="external">Whose rows come over HTTP.</param>
/// <param name="faults">Told of what fails.</param>
internal sealed class Writers(Database database, IPEndPoint site, string key, IReadOnlyList<Guid> external, FaultLog faults)
{
    private const int Senders = 32; // as each waits for its answer
    private const string ChangesOfOthers = """
        WITH someone AS (SELECT id FROM users WHERE user_type = 'internal' ORDER BY random() LIMIT 1),
        added AS (INSERT INTO usage_logs (user_id, model, prompt_tokens, cost_usd) SELECT id, 'soak', $1, 0.001 FROM someone),
        bought AS (INSERT INTO credit_purchases (user_id, amount_usd, credits) SELECT id, 5, 100 FROM someone WHERE $1 % 4 = 0),
        paid AS (UPDATE credit_purchases SET status = 'completed' WHERE id = (SELECT id FROM credit_purchases WHERE status = 'pending' AND $1 % 4 = 1 LIMIT 1))
        DELETE FROM usage_logs WHERE $1 % 4 = 2 AND (id, created_at) = (SELECT id, created_at FROM usage_logs WHERE model = 'soak' AND created_at > now() - interval '10 s' LIMIT 1)
        """;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(500);

    private long _nextId;
    private long _sent;

    /// <summary>Rows that the site has said it stored.</summary>
    internal long Acknowledged => Interlocked.Read(ref _sent);

    /// <summary>Writes until it is cancelled; what has been begun is finished.</summary>
    /// <param name="rate">Rows a second in all.</param>
    /// <param name="cancellation">Ends it.</param>
    internal Task RunAsync(int rate, CancellationToken cancellation) => Task.WhenAll(
    [
        .. Enumerable.Range(0, Senders).Select(_ => Task.Run(() => SendAsync(0.9 * rate / Senders, cancellation), CancellationToken.None)),
        Task.Run(() => ChangeAsync(0.1 * rate, cancellation), CancellationToken.None),
    ]);

    private async Task SendAsync(double rate, CancellationToken cancellation)
    {
        var body = new IngestBody(site, key, external, rows: 1);
        HttpWire? wire = null;
        await AtRateAsync(rate, () => PostAsync(body.With(ref _nextId)), cancellation);
        wire?.Dispose();

        // As a sender should: under the same id, until somebody answers.
        async Task PostAsync(ReadOnlyMemory<byte> request)
        {
            while (true)
            {
                try
                {
                    wire ??= await ConnectAsync();
                    var status = (await wire.GetAsync(request, CancellationToken.None).WaitAsync(Patience, CancellationToken.None)).Status;
                    if (status is 200 or 201)
                        break;
                    faults.Note("a sender was refused", $"{status}");
                }
                catch (Exception e) when (e is IOException or SocketException or TimeoutException)
                {
                    faults.Note("a sender was not answered", e.Message);
                    wire?.Dispose();
                    wire = null;
                }

                await Task.Delay(Pause, CancellationToken.None);
            }

            Interlocked.Increment(ref _sent);
        }
    }

    private async Task<HttpWire> ConnectAsync()
    {
        var wire = new HttpWire(site);
        await wire.ConnectAsync(CancellationToken.None);
        return wire;
    }

    private Task ChangeAsync(double rate, CancellationToken cancellation)
    {
        var number = 0;
        return AtRateAsync(
            rate,
            async () =>
            {
                try
                {
                    await database.ExecuteAsync(ChangesOfOthers, CancellationToken.None, number++);
                }
                catch (Exception e) when (e is NpgsqlException or SocketException)
                {
                    faults.Note("a statement failed", e.Message);
                    await Task.Delay(Pause, CancellationToken.None);
                }
            },
            cancellation);
    }

    /// <summary>Keeps to a rate; what a fault held up is not made up for.</summary>
    private static async Task AtRateAsync(double rate, Func<Task> write, CancellationToken cancellation)
    {
        var (interval, due) = (Stopwatch.Frequency / rate, (double)Stopwatch.GetTimestamp());
        while (!cancellation.IsCancellationRequested)
        {
            var now = Stopwatch.GetTimestamp();
            due = Math.Max(due + interval, now - Stopwatch.Frequency);
            if (due > now)
                await Task.Delay(TimeSpan.FromSeconds((due - now) / Stopwatch.Frequency), CancellationToken.None);
            await write();
        }
    }
}

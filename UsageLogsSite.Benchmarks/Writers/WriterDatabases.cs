using Npgsql;
using UsageLogsSite.Benchmarks.Support;

namespace UsageLogsSite.Benchmarks.Writers;

/// <summary>One server with a database for each variant, a site that folds ours, and somebody who hears what the others notify.</summary>
internal sealed class WriterDatabases : IAsyncDisposable
{
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(100);

    private readonly CancellationTokenSource _over = new();
    private readonly Cluster _cluster;
    private SiteProcess? _site;
    private Task _listening = Task.CompletedTask;

    private WriterDatabases(Cluster cluster) => _cluster = cluster;

    /// <summary>Starts it all.</summary>
    internal static async Task<WriterDatabases> StartAsync(WritersOptions options, CancellationToken cancellation)
    {
        var databases = new WriterDatabases(await Cluster.StartAsync(options.IsStock ? Cluster.Stock : Cluster.Tuned, kept: null, cancellation));
        try
        {
            foreach (var name in options.Variants)
                await databases.CreateAsync(name, options.Users, cancellation);
            if (options.Variants.Contains(Variant.Ours))
                databases._site = await SiteProcess.StartAsync("ours", databases.To(Variant.Ours), port: 0, cancellation);
            if (options.Variants.Contains("notify"))
                databases._listening = databases.ListenAsync();
            return databases;
        }
        catch
        {
            await databases.DisposeAsync();
            throw;
        }
    }

    /// <summary>How to connect to a variant's database.</summary>
    internal string To(string variant) => _cluster.To($"writers_{variant}");

    /// <summary>Processor time of the site so far.</summary>
    internal TimeSpan SiteCpu => _site?.Cpu ?? TimeSpan.Zero;

    /// <summary>Waits until our fold has nothing left to do.</summary>
    internal async Task SettleAsync(CancellationToken cancellation)
    {
        if (_site is null)
            return;
        while (await Cluster.ReadAsync<bool>(To(Variant.Ours), "SELECT EXISTS (SELECT FROM usage_deltas) OR NOT usage_rollup_sleeps()", cancellation))
            await Task.Delay(Look, cancellation);
    }

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        await _over.CancelAsync();
        await _listening;
        if (_site is not null)
            await _site.DisposeAsync();
        await _cluster.DisposeAsync();
        _over.Dispose();
    }

    private async Task CreateAsync(string name, int users, CancellationToken cancellation)
    {
        var connectionString = await _cluster.CreateAsync($"writers_{name}", cancellation);
        await Cluster.ExecuteAsync(
            connectionString,
            $"""
            INSERT INTO users (id, email, name, user_type)
            SELECT format('00000000-0000-4000-8000-%s', lpad(i::text, 12, '0'))::uuid, format('user%s@example.test', i), 'User ' || i, 'external'
            FROM generate_series(1, {users}) i;
            """,
            cancellation);
        if (Variant.All.Single(v => v.Name == name).Change is { Length: > 0 } change)
            await Cluster.ExecuteAsync(connectionString, change, cancellation);
        await Cluster.ExecuteAsync(connectionString, "VACUUM ANALYZE", cancellation);
    }

    // A NOTIFY that nobody hears would be cheaper than in life.
    private async Task ListenAsync()
    {
        try
        {
            await using var dataSource = NpgsqlDataSource.Create(To("notify"));
            await using var connection = await dataSource.OpenConnectionAsync(_over.Token);
            await using (var listen = new NpgsqlCommand("LISTEN usage_logs_changed", connection))
                await listen.ExecuteNonQueryAsync(_over.Token);
            while (true)
                await connection.WaitAsync(_over.Token);
        }
        catch (OperationCanceledException)
        {
            // The run is over.
        }
    }
}

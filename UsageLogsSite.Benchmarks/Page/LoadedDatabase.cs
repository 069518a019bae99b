using System.Diagnostics;
using Npgsql;
using UsageLogsSite.Benchmarks.Support;
using UsageLogsSite.Filters;
using UsageLogsSite.Hosting;
using UsageLogsSite.Queries;

namespace UsageLogsSite.Benchmarks.Page;

/// <summary>A database of some size, a site on it, and the ways to ask it for a page.</summary>
internal sealed class LoadedDatabase : IAsyncDisposable
{
    private readonly WebApplication _ours;
    private readonly UsageTable _table;
    private readonly HttpWire _wire;

    private LoadedDatabase(int logs, string connectionString, SiteProcess site)
    {
        Logs = logs;
        ConnectionString = connectionString;
        Site = site;
        _wire = new HttpWire(site.Address);

        // The site's own composition, so that its settings of the connection are what is measured.
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.Configuration["ConnectionStrings:UsageLogs"] = connectionString;
        builder.AddDatabases();
        _ours = builder.Build();
        _table = new UsageTable(_ours.Services.GetRequiredService<AdminDatabase>(), TimeProvider.System, TimeZoneInfo.Utc);
    }

    /// <summary>Number of usage logs.</summary>
    internal int Logs { get; }

    internal string ConnectionString { get; }

    internal SiteProcess Site { get; }

    /// <summary>Loads a database with the site's own command, unless a kept one is there, and starts a site on it.</summary>
    internal static async Task<LoadedDatabase> OpenAsync(Cluster cluster, int logs, PageOptions options, CancellationToken cancellation)
    {
        var name = $"page_{options.Users}_{logs}";
        if (!await cluster.HasAsync(name, cancellation))
        {
            // Under its name only when it is whole: an interrupted load must not be taken for one.
            var unfinished = $"{name}_unfinished";
            await Cluster.ExecuteAsync(cluster.ConnectionString, $"DROP DATABASE IF EXISTS {unfinished}", cancellation);
            var connectionString = await cluster.CreateAsync(unfinished, cancellation);
            await SiteProcess.RunCommandAsync(
                connectionString, ["seed", "--seed", "1", "--users", $"{options.Users}", "--logs", $"{logs}", "--purchases", $"{options.Users}"], cancellation);
            await SiteProcess.RunCommandAsync(connectionString, ["rollup", "verify"], cancellation);
            await Cluster.ExecuteAsync(connectionString, "VACUUM ANALYZE", cancellation);
            await Cluster.ExecuteAsync(cluster.ConnectionString, $"ALTER DATABASE {unfinished} RENAME TO {name}", cancellation);
        }

        await Cluster.MigrateAsync(cluster.To(name), cancellation);
        return new LoadedDatabase(logs, cluster.To(name), await SiteProcess.StartAsync("ours", cluster.To(name), port: 0, cancellation));
    }

    /// <summary>Our query, as the site asks it.</summary>
    /// <returns>Milliseconds, and the answer.</returns>
    internal async Task<(double Milliseconds, UsageView View)> QueryAsync(UsageFilter filter, CancellationToken cancellation)
    {
        var start = Stopwatch.GetTimestamp();
        var view = await _table.ReadAsync(filter, cancellation);
        return (Stopwatch.GetElapsedTime(start).TotalMilliseconds, view);
    }

    /// <summary>The whole request for the fragment. Nobody follows the filter: the site asks the database each time.</summary>
    /// <returns>Milliseconds.</returns>
    internal async Task<double> RequestAsync(UsageFilter filter, CancellationToken cancellation)
    {
        if (!_wire.IsConnected)
            await _wire.ConnectAsync(cancellation);
        var start = Stopwatch.GetTimestamp();
        var answer = await _wire.GetAsync(CachedLoad.Request(Site.Address, filter, version: null), cancellation);
        return answer.Status == 200
            ? Stopwatch.GetElapsedTime(start).TotalMilliseconds
            : throw new InvalidOperationException($"The site answered {answer.Status}.");
    }

    /// <summary>A connection for the other designs.</summary>
    internal async Task<NpgsqlConnection> ConnectAsync(CancellationToken cancellation)
    {
        var connection = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(ConnectionString) { Pooling = false }.ConnectionString);
        await connection.OpenAsync(cancellation);
        return connection;
    }

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        _wire.Dispose();
        await Site.DisposeAsync();
        await _ours.DisposeAsync();
    }
}

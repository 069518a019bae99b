using System.Diagnostics;
using System.Net.Sockets;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Npgsql;
using UsageLogsSite.Data;
using UsageLogsSite.Retention;

namespace UsageLogsSite.Hosting;

/// <summary>Brings the database to where the site needs it before the first request.</summary>
internal static partial class DatabaseStartup
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <summary>Waits for the database, and migrates it if allowed.</summary>
    /// <exception cref="StartupException">The database cannot be used; the message says why and what to do.</exception>
    internal static async Task PrepareDatabaseAsync(this WebApplication app, bool migrate, CancellationToken cancellation)
    {
        // Settings first: a wrong one should not be found after waiting for a database.
        app.Services.GetRequiredService<IStartupValidator>().Validate();
        var databases = app.Services.GetRequiredService<Databases>();
        await WaitForDatabaseAsync(databases.Owner, app.Logger, cancellation);

        await CheckTimeZoneAsync(databases.Owner, app.Services.GetRequiredService<TimeZoneInfo>(), cancellation);

        await using var database = UsageDatabase.CreateContext(databases.Owner);
        var pending = (await database.Database.GetPendingMigrationsAsync(cancellation)).ToList();
        if (pending.Count > 0 && !migrate)
        {
            throw new StartupException(
                $"The database lacks {pending.Count} migration(s): {string.Join(", ", pending)}. " +
                "Run 'dotnet run --project UsageLogsSite -- migrate', or set Database:MigrateOnStartup=true.");
        }

        if (pending.Count > 0)
            await database.Database.MigrateAsync(cancellation);
        if (migrate)
            await MakePartitionsAsync(new Partitions(databases.Owner, app.Services.GetRequiredService<TimeProvider>()), app.Logger, cancellation);
    }

    // A backup that runs, or a role that may not, is no reason not to start: rows of a month without a partition are accepted too.
    private static async Task MakePartitionsAsync(Partitions partitions, ILogger logger, CancellationToken cancellation)
    {
        try
        {
            await partitions.MakeAheadAsync(cancellation);
        }
        catch (Exception e) when (e is RetentionException || DatabaseFailure.Is(e))
        {
            LogNoPartitions(logger, e.Message);
        }
    }

    /// <summary>Whether the settings allow the site to change the schema by itself.</summary>
    internal static bool MayMigrate(this WebApplication app) => app.Configuration.GetValue("Database:MigrateOnStartup", true);

    /// <summary>Loads the demo data into an empty database, if asked.</summary>
    internal static async Task LoadDemoAsync(this WebApplication app, CancellationToken cancellation)
    {
        if (app.Configuration.GetValue("Demo:Data", false))
            await DemoData.LoadOnceAsync(app.Services.GetRequiredService<Databases>().Owner, cancellation);
    }

    private static async Task WaitForDatabaseAsync(NpgsqlDataSource owner, ILogger logger, CancellationToken cancellation)
    {
        var start = Stopwatch.GetTimestamp();
        while (true)
        {
            try
            {
                await using var connection = await owner.OpenConnectionAsync(cancellation);
                if (connection.PostgreSqlVersion.Major < PostgresBinaries.OldestVersion)
                    throw new StartupException($"PostgreSQL {connection.PostgreSqlVersion} is too old: version {PostgresBinaries.OldestVersion} or newer is needed.");
                return;
            }
            catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.InvalidCatalogName)
            {
                // The database does not exist yet: migrating makes it.
                return;
            }
            catch (Exception e) when (e is NpgsqlException { IsTransient: true } or SocketException && Stopwatch.GetElapsedTime(start) < Patience)
            {
                LogWaiting(logger, e.Message);
                await Task.Delay(TimeSpan.FromSeconds(1), cancellation);
            }
            catch (Exception e) when (DatabaseFailure.Is(e))
            {
                throw new StartupException($"The database of ConnectionStrings:UsageLogs ({Where(owner)}) cannot be used: {e.Message}", e);
            }
        }
    }

    /// <summary>The rollup divides days in PostgreSQL and pages name them here: both must know the zone.</summary>
    private static async Task CheckTimeZoneAsync(NpgsqlDataSource owner, TimeZoneInfo zone, CancellationToken cancellation)
    {
        try
        {
            await using var command = owner.CreateCommand("SELECT now() AT TIME ZONE $1");
            command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = zone.Id });
            await command.ExecuteScalarAsync(cancellation);
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.InvalidParameterValue)
        {
            throw new StartupException($"Usage:TimeZone is {zone.Id}, which this machine knows and PostgreSQL does not; allowed is a zone that both know, such as UTC or Europe/Berlin.", e);
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.InvalidCatalogName)
        {
            // The database does not exist yet: it will be asked on the next start.
        }
    }

    private static string Where(NpgsqlDataSource owner)
    {
        var settings = new NpgsqlConnectionStringBuilder(owner.ConnectionString);
        return $"{settings.Host}:{settings.Port}/{settings.Database}";
    }

    [LoggerMessage(3002, LogLevel.Warning, "Start: no partitions made for the months to come; the elected site tries again: {Reason}")]
    private static partial void LogNoPartitions(ILogger logger, string reason);

    [LoggerMessage(3001, LogLevel.Warning, "Start: waiting for the database: {Reason}")]
    private static partial void LogWaiting(ILogger logger, string reason);
}

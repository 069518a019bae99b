using System.Diagnostics;
using System.Net.Sockets;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Npgsql;
using UsageLogsSite.Data;
using UsageLogsSite.Queries;
using UsageLogsSite.Retention;

namespace UsageLogsSite.Hosting;

/// <summary>Brings the database to where the site needs it before the first request.</summary>
internal static partial class DatabaseStartup
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private const int MigrationAttempts = 10;

    /// <summary>Waits for the database, and migrates it if allowed.</summary>
    /// <exception cref="StartupException">The database cannot be used; the message says why and what to do.</exception>
    internal static async Task PrepareDatabaseAsync(this WebApplication app, bool migrate, CancellationToken cancellation)
    {
        // Settings first: a wrong one should not be found after waiting for a database.
        app.Services.GetRequiredService<IStartupValidator>().Validate();
        var databases = app.Services.GetRequiredService<Databases>();
        if (databases.Owner is null)
            RefuseWithoutOwner(app);
        var source = databases.Owner ?? databases.Admin;
        await databases.SeePrimariesAsync(cancellation);
        await WaitForDatabaseAsync(source, databases.Owner is null ? "Admin" : "UsageLogs", app.Logger, cancellation);

        await CheckTimeZoneAsync(source, app.Services.GetRequiredService<TimeZoneInfo>(), cancellation);

        await MigrateAsync(source, migrate && databases.Owner is not null, app.Logger, cancellation);
        await MakeLoginsAsync(databases, cancellation);
        await RuntimeChecks.CheckAsync(databases, cancellation);
        await Task.WhenAll(
            app.Services.GetRequiredService<AdminDatabase>().Replicas.LookAsync(cancellation),
            app.Services.GetRequiredService<MemberDatabase>().Replicas.LookAsync(cancellation));
        if (migrate)
        {
            var partitions = new Partitions(databases.Owner ?? databases.Rollup, app.Services.GetRequiredService<TimeProvider>());
            await MakePartitionsAsync(partitions, app.Logger, cancellation);
        }
    }

    /// <summary>What only the owner of the tables can do, and a setting asks for.</summary>
    private static void RefuseWithoutOwner(WebApplication app)
    {
        foreach (var (key, asks, instead) in new[]
        {
            ("Demo:Data", app.Configuration.GetValue("Demo:Data", false), "Set it to false; the command seed loads data as the owner."),
            ("Demo:Traffic", app.Configuration.GetValue("Demo:Traffic", false), "Set it to false."),
            ("Retention:Keep", app.Services.GetRequiredService<IOptions<RetentionOptions>>().Value.Period is not null,
                "Leave it out, and run the command retention now and then, as the owner."),
        })
        {
            if (asks)
                throw new StartupException($"{key} needs the owner of the tables, and ConnectionStrings:UsageLogs is not given. {instead}");
        }
    }

    private static async Task MigrateAsync(NpgsqlDataSource source, bool migrate, ILogger logger, CancellationToken cancellation)
    {
        await using var database = UsageDatabase.CreateContext(source);
        var pending = (await PendingAsync(database, cancellation)).ToList();
        if (pending.Count == 0)
            return;
        if (!migrate)
        {
            throw new StartupException(
                $"The database lacks {pending.Count} migration(s): {string.Join(", ", pending)}. " +
                "Run 'dotnet run --project UsageLogsSite -- migrate' with the owner's ConnectionStrings:UsageLogs, or give that to the site with Database:MigrateOnStartup=true.");
        }

        try
        {
            await SchemaCreation.EnsureAsync(database, cancellation);
            await MigrateUnderWritersAsync(database, logger, cancellation);
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.UndefinedObject && e.MessageText.Contains("gin_trgm_ops", StringComparison.Ordinal))
        {
            throw new StartupException(
                "The extension pg_trgm is in a schema that the Search Path of ConnectionStrings:UsageLogs does not name: add it behind the site's own, as in Search Path=usage,extensions.", e);
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.InsufficientPrivilege)
        {
            throw new StartupException($"The role of ConnectionStrings:UsageLogs may not migrate: {e.MessageText} {e.Hint}", e);
        }
    }

    // Writers lock the same tables in an order of their own. PostgreSQL then ends one of the two, and what it undoes is whole: nothing is lost by trying again.
    private static async Task MigrateUnderWritersAsync(UsageDbContext database, ILogger logger, CancellationToken cancellation)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                await database.Database.MigrateAsync(cancellation);
                return;
            }
            catch (Exception e) when (attempt < MigrationAttempts && (e as PostgresException ?? e.InnerException as PostgresException)?.SqlState == PostgresErrorCodes.DeadlockDetected)
            {
                LogMigratingAgain(logger, attempt, MigrationAttempts);
            }
        }
    }

    private static async Task<IEnumerable<string>> PendingAsync(UsageDbContext database, CancellationToken cancellation)
    {
        try
        {
            return await database.Database.GetPendingMigrationsAsync(cancellation);
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.InsufficientPrivilege)
        {
            // The history became readable for the site's own roles with the migration that made these.
            throw new StartupException(
                $"The database lacks migrations, or the role of ConnectionStrings:Admin is not a member of usage_admin: {e.MessageText}. " +
                "Run 'dotnet run --project UsageLogsSite -- migrate' with the owner's ConnectionStrings:UsageLogs.", e);
        }
    }

    private static async Task MakeLoginsAsync(Databases databases, CancellationToken cancellation)
    {
        try
        {
            if (databases.Runtime.FirstOrDefault(r => r.OwnLogin is not null) is { } any)
                await databases.Logins!.PasswordAsync(any.OwnLogin!, cancellation);
        }
        catch (PostgresException e)
        {
            throw new StartupException(
                $"The role of ConnectionStrings:UsageLogs could not make the logins that the site works with: {e.MessageText}. " +
                $"Let it: ALTER ROLE … CREATEROLE. Or: {RuntimeConnection.HowToMakeLogins}", e);
        }
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
            await DemoData.LoadOnceAsync(app.Services.GetRequiredService<Databases>().Owner!, cancellation);
    }

    private static async Task WaitForDatabaseAsync(NpgsqlDataSource source, string name, ILogger logger, CancellationToken cancellation)
    {
        var start = Stopwatch.GetTimestamp();
        while (true)
        {
            try
            {
                await using var connection = await source.OpenConnectionAsync(cancellation);
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
                throw new StartupException($"The database of ConnectionStrings:{name} ({Where(source)}) cannot be used: {e.Message}", e);
            }
        }
    }

    /// <summary>The rollup divides days in PostgreSQL and pages name them here: both must know the zone.</summary>
    private static async Task CheckTimeZoneAsync(NpgsqlDataSource source, TimeZoneInfo zone, CancellationToken cancellation)
    {
        try
        {
            await using var command = source.CreateCommand("SELECT now() AT TIME ZONE $1");
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

    private static string Where(NpgsqlDataSource source)
    {
        var settings = new NpgsqlConnectionStringBuilder(source.ConnectionString);
        return $"{settings.Host}:{settings.Port}/{settings.Database}";
    }

    [LoggerMessage(3003, LogLevel.Warning, "Start: no partitions made for the months to come; the elected site tries again: {Reason}")]
    private static partial void LogNoPartitions(ILogger logger, string reason);

    [LoggerMessage(3004, LogLevel.Warning, "Start: a writer was in the way of the migration, which is tried again (attempt {Attempt} of {Attempts} failed)")]
    private static partial void LogMigratingAgain(ILogger logger, int attempt, int attempts);

    [LoggerMessage(3001, LogLevel.Warning, "Start: waiting for the database: {Reason}")]
    private static partial void LogWaiting(ILogger logger, string reason);
}

using Microsoft.Extensions.Options;
using Npgsql;
using UsageLogsSite.Access;
using UsageLogsSite.Hosting;
using UsageLogsSite.Rollup;

namespace UsageLogsSite.Commands;

/// <summary>What a command works on: the site's settings and its database, without its pages.</summary>
internal sealed class CommandHost : IAsyncDisposable
{
    private readonly EmbeddedPostgres? _postgres;
    private readonly WebApplication _app;

    private CommandHost(EmbeddedPostgres? postgres, WebApplication app)
    {
        _postgres = postgres;
        _app = app;
    }

    /// <summary>The database, as the owner of its tables.</summary>
    internal NpgsqlDataSource Owner => Databases.Owner!;

    internal Databases Databases => _app.Services.GetRequiredService<Databases>();

    internal RollupOptions Rollup => _app.Services.GetRequiredService<IOptions<RollupOptions>>().Value;

    internal TimeZoneInfo TimeZone => _app.Services.GetRequiredService<TimeZoneInfo>();

    /// <summary>Makes secrets that the site can read.</summary>
    internal EmbedSecrets EmbedSecrets => _app.Services.GetRequiredService<EmbedSecrets>();

    internal TimeProvider Time => _app.Services.GetRequiredService<TimeProvider>();

    /// <summary>Services that live as long as one piece of work.</summary>
    internal AsyncServiceScope CreateScope() => _app.Services.CreateAsyncScope();

    /// <summary>Opens the database; without a connection string the site's own, joining it where the site runs.</summary>
    /// <param name="settings">Settings of the command line.</param>
    /// <param name="schema">What to do when the schema is older than the program.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="StartupException">The database cannot be used; the message says why and what to do.</exception>
    internal static async Task<CommandHost> OpenAsync(string[] settings, Schema schema, CancellationToken cancellation)
    {
        var builder = WebApplication.CreateBuilder(settings);
        builder.AddHosting();
        var postgres = await EmbeddedPostgres.StartIfNeededAsync(builder.Configuration);
        try
        {
            builder.AddDatabases(Databases.OfCommand(builder.Configuration));
            builder.AddRollup();
            builder.AddAccounts(databases => databases.Owner!);
            var host = new CommandHost(postgres, builder.Build());
            await host._app.PrepareDatabaseAsync(schema == Schema.Migrate || (schema == Schema.AsTheSite && host._app.MayMigrate()), cancellation);
            return host;
        }
        catch when (postgres is not null)
        {
            await postgres.DisposeAsync();
            throw;
        }
    }

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        if (_postgres is not null)
            await _postgres.DisposeAsync();
    }
}

/// <summary>What a command does with a schema that is older than the program.</summary>
internal enum Schema
{
    /// <summary>Refuses, and says how to migrate.</summary>
    Keep,

    /// <summary>What the site does when it starts: <c>Database:MigrateOnStartup</c>.</summary>
    AsTheSite,

    /// <summary>Migrates.</summary>
    Migrate,
}

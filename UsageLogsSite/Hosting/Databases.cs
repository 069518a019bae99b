using Npgsql;

namespace UsageLogsSite.Hosting;

/// <summary>
/// The site's ways into PostgreSQL, one per duty, so that each can have a role of its own. They are never shared:
/// what one role may see must not leak through another's pool.
/// </summary>
internal sealed class Databases : IAsyncDisposable
{
    private static readonly TimeSpan PageTimeout = TimeSpan.FromSeconds(5);

    /// <summary>Opens nothing yet: connections are made on first use.</summary>
    /// <exception cref="StartupException">A connection string is missing or unreadable; the message names its key.</exception>
    public Databases(IConfiguration configuration)
    {
        Owner = Build("owner", Parse(configuration, "UsageLogs", "Rollup"));
        Pages = Build("pages", WithPageTimeouts(Parse(configuration, "Admin", "UsageLogs")));
        Rollup = Build("rollup", Dedicated(Parse(configuration, "Rollup", "UsageLogs")));
        Listener = Build("listener", Dedicated(Parse(configuration, "Rollup", "UsageLogs")));
    }

    /// <summary>Makes and changes the schema.</summary>
    public NpgsqlDataSource Owner { get; }

    /// <summary>What pages ask; pooled.</summary>
    public NpgsqlDataSource Pages { get; }

    /// <summary>The fold's one connection; unpooled, as it holds the election's lock.</summary>
    public NpgsqlDataSource Rollup { get; }

    /// <summary>The change listener's one connection; unpooled, as it waits for notifications.</summary>
    public NpgsqlDataSource Listener { get; }

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        await Pages.DisposeAsync();
        await Rollup.DisposeAsync();
        await Listener.DisposeAsync();
        await Owner.DisposeAsync();
    }

    /// <summary>Reads the connection string of a name, or of the one that stands in for it.</summary>
    private static NpgsqlConnectionStringBuilder Parse(IConfiguration configuration, string name, string otherwise)
    {
        var key = string.IsNullOrWhiteSpace(configuration.GetConnectionString(name)) ? otherwise : name;
        var text = configuration.GetConnectionString(key);
        if (string.IsNullOrWhiteSpace(text))
            throw new StartupException($"ConnectionStrings:{name} is missing. Give it, or only ConnectionStrings:UsageLogs.");

        try
        {
            return new NpgsqlConnectionStringBuilder(text);
        }
        catch (Exception e) when (e is ArgumentException or FormatException or KeyNotFoundException)
        {
            throw new StartupException(
                $"ConnectionStrings:{key} cannot be read ({e.Message}). An example: Host=localhost;Database=usagelogs;Username=app;Password=secret", e);
        }
    }

    // A reader waits for a page: fail while they still look, and let the site say so.
    private static NpgsqlConnectionStringBuilder WithPageTimeouts(NpgsqlConnectionStringBuilder settings)
    {
        settings.Timeout = (int)PageTimeout.TotalSeconds;
        settings.CommandTimeout = (int)PageTimeout.TotalSeconds;
        return settings;
    }

    // A connection that only listens notices a dead peer by nothing but its keep-alives.
    private static NpgsqlConnectionStringBuilder Dedicated(NpgsqlConnectionStringBuilder settings)
    {
        settings.Pooling = false;
        settings.KeepAlive = 5;
        settings.CommandTimeout = 8; // bounds the wait for a keep-alive's answer too: silence is found within 13 s
        settings.TcpKeepAlive = true;

        // The server's side: an elected instance whose machine is gone must lose the election soon.
        settings.Options = $"{settings.Options} -c tcp_keepalives_idle=5 -c tcp_keepalives_interval=1 -c tcp_keepalives_count=3 -c tcp_user_timeout=8000".TrimStart();
        settings.Timeout = 5;
        return settings;
    }

    private static NpgsqlDataSource Build(string duty, NpgsqlConnectionStringBuilder settings)
    {
        settings.ApplicationName = $"UsageLogsSite {duty}";
        return new NpgsqlDataSourceBuilder(settings.ConnectionString) { Name = duty }.Build();
    }
}

using Npgsql;
using UsageLogsSite.Data;

namespace UsageLogsSite.Hosting;

/// <summary>
/// The site's ways into PostgreSQL, one per duty, each with a role of its own. They are never shared: what one role may see must not
/// leak through another's pool.
/// </summary>
internal sealed class Databases : IAsyncDisposable
{
    /// <summary>How long a reader waits for one statement, and for a connection where there is one host.</summary>
    internal static readonly TimeSpan PageTimeout = TimeSpan.FromSeconds(5);

    private readonly List<RuntimeConnection> _runtime = [];
    private readonly List<NpgsqlDataSource> _sources = [];
    private readonly List<NpgsqlDataSource> _hosts = [];
    private readonly List<NpgsqlDataSource> _ways = [];

    private Databases(IConfiguration configuration, bool allAsOwner)
    {
        var owner = Read(configuration, "UsageLogs");
        if (owner is not null)
        {
            Owner = OpenPrimary("owner", owner);
            var missing = RuntimeConnection.Roles.Where(r => Read(configuration, r.Key) is null).Select(r => r.Value);
            Logins = new RuntimeLogins(Owner, PlaceOf(owner), [.. missing]);
        }
        else if (allAsOwner)
        {
            throw new StartupException("ConnectionStrings:UsageLogs is missing: commands work as the owner of the tables.");
        }

        RefuseSeveralSchemas(configuration);
        (Admin, AdminReplicas) = Open("admin", "Admin", WithPageTimeouts);
        (Member, MemberReplicas) = Open("member", "Member", WithPageTimeouts);
        (Rollup, _) = Open("rollup", "Rollup", Dedicated);
        (Listener, _) = Open("listener", "Rollup", Dedicated);
        if (owner is not null || Read(configuration, "Ingest") is not null)
            (Ingest, _) = Open("ingest", "Ingest", WithIngestPool);

        (NpgsqlDataSource Primary, ReplicaSources Replicas) Open(string duty, string name, Action<NpgsqlConnectionStringBuilder> adjust)
        {
            var given = allAsOwner ? Read(configuration, "UsageLogs") : Read(configuration, name);
            var settings = given ?? Read(configuration, "UsageLogs")
                ?? throw new StartupException($"ConnectionStrings:{name} is missing. Give it, or only ConnectionStrings:UsageLogs.");
            adjust(settings);
            var login = given is null ? Logins!.NameOf(RuntimeConnection.Roles[name]) : null;
            var replicas = !allAsOwner && duty is "admin" or "member" ? OpenReplicas(duty, settings, login) : ReplicaSources.None;
            var source = OpenPrimary(duty, settings, login);
            if (!allAsOwner && duty != "listener")
                _runtime.Add(new(name, source, login));
            return (source, replicas);
        }
    }

    /// <summary>Makes and changes the schema, which the running site needs not be able to; null where it is not given the owner's rights.</summary>
    public NpgsqlDataSource? Owner { get; }

    /// <summary>What pages of owners and analysts ask, and who may sign in: every row. Pooled.</summary>
    public NpgsqlDataSource Admin { get; }

    /// <summary>What pages of members ask: the rows of one user at a time, see <see cref="Queries.MemberDatabase"/>. Pooled.</summary>
    public NpgsqlDataSource Member { get; }

    /// <summary>The fold's one connection; unpooled, as it holds the election's lock.</summary>
    public NpgsqlDataSource Rollup { get; }

    /// <summary>The change listener's one connection; unpooled, as it waits for notifications.</summary>
    public NpgsqlDataSource Listener { get; }

    /// <summary>What applications write over HTTP by, and what is asked of their keys. Pooled. Null where the site was given no such connection.</summary>
    public NpgsqlDataSource? Ingest { get; }

    /// <summary>The hosts that may answer for <see cref="Admin"/> where much is read.</summary>
    internal ReplicaSources AdminReplicas { get; }

    /// <summary>The hosts that may answer for <see cref="Member"/> where much is read.</summary>
    internal ReplicaSources MemberReplicas { get; }

    /// <summary>Tells the newest primary from older ones, where there are several hosts.</summary>
    internal PrimaryTimeline Timeline { get; } = new();

    /// <summary>The pooled ways that find the primary among several hosts; none with one host.</summary>
    internal IReadOnlyList<NpgsqlDataSource> Ways => _ways;

    /// <summary>How long finding the primary may take for <see cref="Admin"/>, if all hosts but one are silent.</summary>
    internal TimeSpan LongestSearch => HostList.Patience * (new NpgsqlConnectionStringBuilder(Admin.ConnectionString).Hosts().Count - 1);

    /// <summary>The site's own logins; null without the owner's rights.</summary>
    internal RuntimeLogins? Logins { get; }

    /// <summary>The connections that must not be able to do more than their duty; none where all is done as the owner.</summary>
    internal IReadOnlyList<RuntimeConnection> Runtime => _runtime;

    /// <summary>The site's ways; opens nothing yet: connections, and logins of the site's own, are made on first use.</summary>
    /// <exception cref="StartupException">A connection string is missing, unreadable or not safe; the message names its key.</exception>
    public static Databases OfSite(IConfiguration configuration) => new(configuration, allAsOwner: false);

    /// <summary>Those of a command, which does everything as the owner.</summary>
    /// <exception cref="StartupException">The owner's connection string is missing, unreadable or not safe; the message names its key.</exception>
    public static Databases OfCommand(IConfiguration configuration) => new(configuration, allAsOwner: true);

    /// <summary>Looks at each of several hosts before one of them is believed to be the primary: an old one may be there too.</summary>
    internal async Task SeePrimariesAsync(CancellationToken cancellation)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        patience.CancelAfter(PageTimeout);
        await Task.WhenAll(_hosts.Select(SeeAsync));

        async Task SeeAsync(NpgsqlDataSource host)
        {
            try
            {
                await using var connection = await host.OpenConnectionAsync(patience.Token);
                await Timeline.LookAsync(connection, patience.Token);
            }
            catch (Exception e) when (DatabaseFailure.Is(e) || (e is OperationCanceledException && !cancellation.IsCancellationRequested))
            {
                // A host that does not answer is no primary now; whether another one does, the start finds out next.
            }
        }
    }

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        foreach (var source in Enumerable.Reverse(_sources))
            await source.DisposeAsync();
        foreach (var host in _hosts)
            await host.DisposeAsync();
        Timeline.Dispose();
        Logins?.Dispose();
    }

    /// <summary>Reads the connection string of a name; null if it is not given.</summary>
    private static NpgsqlConnectionStringBuilder? Read(IConfiguration configuration, string name)
    {
        var text = configuration.GetConnectionString(name);
        if (string.IsNullOrWhiteSpace(text))
            return null;

        NpgsqlConnectionStringBuilder settings;
        try
        {
            settings = new NpgsqlConnectionStringBuilder(text);
            DatabaseSchema.Of(text);
        }
        catch (Exception e) when (e is ArgumentException or FormatException or KeyNotFoundException)
        {
            throw new StartupException(
                $"ConnectionStrings:{name} cannot be read ({e.Message}). An example: Host=localhost;Database=usagelogs;Username=app;Password=secret", e);
        }

        // Both let what one reader has set in a connection reach the next one.
        if (settings.Multiplexing || settings.NoResetOnClose)
        {
            throw new StartupException(
                $"ConnectionStrings:{name} sets {(settings.Multiplexing ? "Multiplexing" : "No Reset On Close")}, which would let one member's identity reach another's query. Take it out.");
        }

        settings.CheckHosts(name);
        return settings;
    }

    /// <summary>What logins are named after: the database, and the schema where it is one of several.</summary>
    private static string PlaceOf(NpgsqlConnectionStringBuilder owner)
    {
        var (database, schema) = (owner.Database ?? owner.Username ?? "", DatabaseSchema.Of(owner.ConnectionString));
        return schema == DatabaseSchema.Default ? database : $"{database}_{schema}";
    }

    // One that was forgotten would show the tables of the same names that the product has of its own.
    private static void RefuseSeveralSchemas(IConfiguration configuration)
    {
        var schemas = RuntimeConnection.Roles.Keys.Prepend("UsageLogs")
            .Select(name => (Name: name, Settings: Read(configuration, name)))
            .Where(given => given.Settings is not null)
            .Select(given => (given.Name, Schema: DatabaseSchema.Of(given.Settings!.ConnectionString)))
            .ToList();
        if (schemas.Find(given => given.Schema != schemas[0].Schema) is { Name: not null } other)
        {
            throw new StartupException(
                $"ConnectionStrings:{schemas[0].Name} leads to the schema {schemas[0].Schema}, and :{other.Name} to {other.Schema}: give all of them the same Search Path.");
        }
    }

    // A reader waits for a page: fail while they still look, and let the site say so.
    private static void WithPageTimeouts(NpgsqlConnectionStringBuilder settings)
    {
        settings.Timeout = (int)PageTimeout.TotalSeconds;
        settings.CommandTimeout = (int)PageTimeout.TotalSeconds;
    }

    // Nothing of a sender's is ever set in a connection, so nothing has to be reset, which would take the staging tables of batches along
    // and have them made anew for each. Every wait for a connection is a sender's.
    private static void WithIngestPool(NpgsqlConnectionStringBuilder settings)
    {
        WithPageTimeouts(settings);
        settings.NoResetOnClose = true;
        settings.MaxAutoPrepare = 20;
        settings.AutoPrepareMinUsages = 2;
    }

    // A connection that only listens notices a dead peer by nothing but its keep-alives.
    private static void Dedicated(NpgsqlConnectionStringBuilder settings)
    {
        settings.Pooling = false;
        settings.KeepAlive = 5;
        settings.CommandTimeout = 8; // bounds the wait for a keep-alive's answer too: silence is found within 13 s
        settings.TcpKeepAlive = true;

        // The server's side: an elected instance whose machine is gone must lose the election soon.
        settings.Options = $"{settings.Options} -c tcp_keepalives_idle=5 -c tcp_keepalives_interval=1 -c tcp_keepalives_count=3 -c tcp_user_timeout=8000".TrimStart();
        settings.Timeout = 5;
    }

    /// <summary>The way to the one server that accepts writes, whichever host that is at the time.</summary>
    private NpgsqlDataSource OpenPrimary(string duty, NpgsqlConnectionStringBuilder settings, string? login = null)
    {
        if (!settings.HasSeveralHosts())
        {
            var only = Builder(duty, settings, login).Build();
            _sources.Add(only);
            return only;
        }

        settings.FollowPrimary();
        if (_hosts.Count == 0)
        {
            var alone = new NpgsqlConnectionStringBuilder(settings.ConnectionString) { Pooling = false, Timeout = (int)PageTimeout.TotalSeconds };
            _hosts.AddRange(settings.Hosts().Select(host => Builder(duty, new(alone.ConnectionString) { Host = host }, login).Build()));
        }

        var builder = Builder(duty, settings, login);
        Timeline.Guard(builder);
        var all = builder.BuildMultiHost();
        Timeline.Follow(all);
        _sources.Add(all);
        var primary = all.WithTargetSession(TargetSessionAttributes.Primary);
        if (duty is "admin" or "member" or "ingest")
            _ways.Add(primary);
        return primary;
    }

    /// <summary>
    /// A way of its own to each host, so that it is known which one a read was given and which one failed. Npgsql's PreferStandby would
    /// have a reader wait for a host that is gone each time that it looks again.
    /// </summary>
    private ReplicaSources OpenReplicas(string duty, NpgsqlConnectionStringBuilder all, string? login)
    {
        if (!all.AllowsReplicas())
            return ReplicaSources.None;
        var sources = new List<NpgsqlDataSource>();
        foreach (var host in all.Hosts())
        {
            var settings = new NpgsqlConnectionStringBuilder(all.ConnectionString) { Host = host, TargetSessionAttributes = null, LoadBalanceHosts = false };
            settings.CancellationTimeout = -1; // a query that is cancelled takes its connection along; the server is asked to cancel it all the same
            var builder = Builder(duty, settings, login);
            builder.Name = $"{duty} {host}";
            sources.Add(builder.Build());
        }

        _sources.AddRange(sources);
        return new(sources, all.LoadBalanceHosts);
    }

    private NpgsqlDataSourceBuilder Builder(string duty, NpgsqlConnectionStringBuilder settings, string? login)
    {
        settings.ApplicationName = $"UsageLogsSite {duty}";
        if (login is not null)
        {
            settings.Database ??= settings.Username;
            settings.Username = login;
            settings.Password = null;
        }

        var builder = new NpgsqlDataSourceBuilder(settings.ConnectionString) { Name = duty };
        if (login is not null)
        {
            // Whoever opens a connection without awaiting it finds the password made by the start.
            var logins = Logins!;
            builder.UsePasswordProvider(
                _ => logins.PasswordAsync(login, CancellationToken.None).AsTask().GetAwaiter().GetResult(),
                (_, cancellation) => logins.PasswordAsync(login, cancellation));
        }

        // Only types that PostgreSQL always has are read: asking for all of the database's takes each of these ways longer than its first query.
        builder.ConfigureTypeLoading(types => types.EnableTypeLoading(false));

        // The owner's statements make logins; the fold and the listener look all day, and tell of what they find themselves.
        var isTraced = duty is "admin" or "member";
        builder.ConfigureTracing(tracing => tracing.ConfigureCommandFilter(_ => isTraced).ConfigureBatchFilter(_ => isTraced).EnableFirstResponseEvent(false));
        return builder;
    }
}

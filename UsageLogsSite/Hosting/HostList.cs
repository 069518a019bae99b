using Npgsql;

namespace UsageLogsSite.Hosting;

/// <summary>The hosts of a connection string: one, or a primary and its streaming replicas.</summary>
internal static class HostList
{
    /// <summary>How long a host may take to answer where there are others: readers wait for a silent one that stands before the primary.</summary>
    internal static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    /// <summary>A silent host is waited for as often as this. A promoted or returned one need not wait for it: see <see cref="PrimaryWatch"/>.</summary>
    private const int RecheckSeconds = 60;

    /// <summary>Whether there are several.</summary>
    internal static bool HasSeveralHosts(this NpgsqlConnectionStringBuilder settings) => settings.Host?.Contains(',', StringComparison.Ordinal) == true;

    /// <summary>The hosts, with their ports where these are given.</summary>
    internal static IReadOnlyList<string> Hosts(this NpgsqlConnectionStringBuilder settings) => settings.Host?.Split(',', StringSplitOptions.TrimEntries) ?? [];

    /// <summary>Whether reads may go to replicas: not where the operator has all of them go to the primary.</summary>
    internal static bool AllowsReplicas(this NpgsqlConnectionStringBuilder settings) =>
        settings.HasSeveralHosts() && !Is(settings.TargetSessionAttributes, "primary");

    /// <summary>Refuses what would not do what it seems to say.</summary>
    /// <param name="settings">A connection string.</param>
    /// <param name="name">Its name.</param>
    /// <exception cref="StartupException">The list or the target is nonsense; the message says what is allowed.</exception>
    internal static void CheckHosts(this NpgsqlConnectionStringBuilder settings, string name)
    {
        if (!settings.HasSeveralHosts())
        {
            if (settings.TargetSessionAttributes is { } alone && !Is(alone, "primary") && !Is(alone, "any"))
                throw new StartupException($"ConnectionStrings:{name} sets Target Session Attributes={alone} with one host: leave it out, or list the hosts, as in Host=db1,db2.");
            return;
        }

        var hosts = settings.Hosts();
        if (hosts.Any(string.IsNullOrEmpty))
            throw new StartupException($"ConnectionStrings:{name} has an empty name among its hosts: Host={settings.Host}. An example: Host=db1,db2:5433");
        if (hosts.GroupBy(host => host, StringComparer.OrdinalIgnoreCase).FirstOrDefault(same => same.Count() > 1) is { } twice)
            throw new StartupException($"ConnectionStrings:{name} names {twice.Key} twice: Host={settings.Host}. List each host once.");

        var reads = name is "UsageLogs" or "Admin" or "Member";
        if (settings.TargetSessionAttributes is { } target && !Is(target, "primary") && !(reads && Is(target, "prefer-standby")))
        {
            throw new StartupException(
                $"ConnectionStrings:{name} sets Target Session Attributes={target}, which the site cannot follow: what writes, and who may see what, is always the primary's. Allowed is "
                + (reads ? "prefer-standby, the same as leaving it out, and primary: no reads from replicas." : "primary, or leaving it out."));
        }
    }

    /// <summary>What keeps a silent host from holding readers up, and Npgsql's own choice of hosts out of it: each way chooses itself.</summary>
    internal static void FollowPrimary(this NpgsqlConnectionStringBuilder settings)
    {
        settings.TargetSessionAttributes = null;
        settings.LoadBalanceHosts = false;
        settings.Timeout = (int)Patience.TotalSeconds;
        if (!settings.ShouldSerialize("Host Recheck Seconds"))
            settings.HostRecheckSeconds = RecheckSeconds;
    }

    private static bool Is(string? target, string value) => string.Equals(target, value, StringComparison.OrdinalIgnoreCase);
}

using Npgsql;

namespace UsageLogsSite.Hosting;

/// <summary>A connection that the running site uses.</summary>
/// <param name="Name">Its name among the connection strings: <c>Admin</c>, <c>Member</c>, <c>Rollup</c> or <c>Ingest</c>.</param>
/// <param name="Source">Opens it.</param>
/// <param name="OwnLogin">The login that the site made for it; null for one that it was given.</param>
internal sealed record RuntimeConnection(string Name, NpgsqlDataSource Source, string? OwnLogin)
{
    /// <summary>The database role of each; migrations make them.</summary>
    internal static readonly IReadOnlyDictionary<string, string> Roles = new Dictionary<string, string>
    {
        ["Admin"] = "usage_admin",
        ["Member"] = "usage_member",
        ["Rollup"] = "usage_rollup",
        ["Ingest"] = "usage_ingest",
    };

    /// <summary>The role that it needs, and should have nothing beside.</summary>
    internal string Role => Roles[Name];

    /// <summary>The key of its connection string.</summary>
    internal string Key => $"ConnectionStrings:{Name}";

    /// <summary>How somebody who may make roles gives the site logins of its own, for messages.</summary>
    internal static string HowToMakeLogins =>
        "Give the site logins that you make, as ConnectionStrings:Admin, :Member, :Rollup and, for the ingest API, :Ingest: " + string.Join(" ", Roles.Values.Select(
            role => $"CREATE ROLE {role.Replace("usage_", "site_", StringComparison.Ordinal)} LOGIN PASSWORD '…' IN ROLE {role};"));
}

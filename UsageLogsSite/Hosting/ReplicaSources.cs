using Npgsql;

namespace UsageLogsSite.Hosting;

/// <summary>All hosts of a connection string, one way each; which of them are standbys is found out when they are asked.</summary>
/// <param name="Hosts">Opens connections of each host.</param>
/// <param name="TakeTurns">Whether reads are spread over all that can be asked (<c>Load Balance Hosts</c>); otherwise the first one in the list gets them.</param>
internal sealed record ReplicaSources(IReadOnlyList<NpgsqlDataSource> Hosts, bool TakeTurns)
{
    /// <summary>One host, or the operator wants no reads from replicas.</summary>
    internal static readonly ReplicaSources None = new([], TakeTurns: false);
}

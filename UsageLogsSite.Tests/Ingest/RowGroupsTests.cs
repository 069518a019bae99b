using System.Net;
using System.Net.Sockets;
using Npgsql;
using UsageLogsSite.Ingest;

namespace UsageLogsSite.Tests.Ingest;

/// <summary>Single rows while the database takes connections and says nothing.</summary>
public sealed class RowGroupsTests
{
    [Fact]
    public async Task A_database_that_does_not_answer_lets_only_so_many_rows_wait()
    {
        using var silent = new TcpListener(IPAddress.Loopback, 0);
        silent.Start();
        await using var source = NpgsqlDataSource.Create($"Host=127.0.0.1;Port={((IPEndPoint)silent.LocalEndpoint).Port};Timeout=60;SSL Mode=Disable");
        var groups = new RowGroups(new RowWriter(RowKind.UsageLogs), source);
        List<Task> waiting = [];
        List<IngestRefusal> refused = [];
        for (var i = 0; i < 25_000; i++)
        {
            try
            {
                waiting.Add(groups.WriteAsync(new IngestRow(i, 1, []), TestContext.Current.CancellationToken));
            }
            catch (IngestRefusal e)
            {
                refused.Add(e);
            }
        }

        Assert.InRange(waiting.Count, 20_000, 20_400); // those that wait, and two groups that are being written
        Assert.All(refused, refusal => Assert.Equal((503, true), (refusal.Problem.Status, refusal.RetryAfter is not null)));
    }

    [Fact]
    public async Task All_who_wait_for_a_database_that_does_not_answer_are_told_without_a_connection_for_each()
    {
        using var silent = new TcpListener(IPAddress.Loopback, 0);
        silent.Start();
        List<Socket> connections = [];
        var accepting = AcceptAsync();
        await using var source = NpgsqlDataSource.Create($"Host=127.0.0.1;Port={((IPEndPoint)silent.LocalEndpoint).Port};Timeout=1;SSL Mode=Disable");
        var groups = new RowGroups(new RowWriter(RowKind.UsageLogs), source);
        var rows = Enumerable.Range(0, 100).Select(i => new IngestRow(i, 1, [])).ToList();
        rows.ForEach(row => row.Identify("usage_logs", "shop"));
        var waiting = rows.ConvertAll(row => groups.WriteAsync(row, TestContext.Current.CancellationToken));
        foreach (var row in waiting)
            await Assert.ThrowsAnyAsync<NpgsqlException>(() => row);
        silent.Stop();
        await accepting;
        Assert.InRange(connections.Count, 1, 10); // two at a time
        connections.ForEach(connection => connection.Dispose());

        async Task AcceptAsync()
        {
            try
            {
                while (true)
                    connections.Add(await silent.AcceptSocketAsync());
            }
            catch (SocketException)
            {
                // Stopped.
            }
        }
    }
}

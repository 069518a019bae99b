using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using UsageLogsSite.Queries;
using UsageLogsSite.Tests.Support;

namespace UsageLogsSite.Tests.Access;

/// <summary>How members' pages read: whose rows, for how long, and on connections that all of them share.</summary>
public sealed class MemberDatabaseTests(PostgresCluster cluster) : RoleTest(cluster)
{
    [Fact]
    public async Task It_reads_one_users_rows_of_one_snapshot_and_writes_nothing()
    {
        var ann = await AddCustomerAsync("Ann", logs: 2);
        await AddCustomerAsync("Bob", logs: 3);
        var members = new MemberDatabase(Databases, TimeProvider.System, new ReplicaMetrics(Meters.Unread), NullLoggerFactory.Instance);
        var (before, after) = await members.ReadAsync(ann, async (database, c) =>
        {
            var first = await database.UsageLogs.CountAsync(c);
            await Database.AddLogAsync(ann);
            return (first, await database.UsageLogs.CountAsync(c));
        }, Cancellation);
        Assert.Equal((2, 2), (before, after));
        Assert.Equal(["Ann"], await members.ReadAsync(ann, (database, c) => database.Users.Select(u => u.Name).ToListAsync(c), Cancellation));
        var refusal = await Assert.ThrowsAsync<PostgresException>(
            () => members.ReadAsync(ann, (database, c) => database.Database.ExecuteSqlAsync($"CREATE TEMP SEQUENCE s", c), Cancellation));
        Assert.Equal(PostgresErrorCodes.ReadOnlySqlTransaction, refusal.SqlState);
    }

    [Fact]
    public async Task Lost_connections_are_nobodys_business()
    {
        var ann = await AddCustomerAsync("Ann", logs: 2);
        var members = new MemberDatabase(Databases, TimeProvider.System, new ReplicaMetrics(Meters.Unread), NullLoggerFactory.Instance);
        for (var i = 0; i < 3; i++)
        {
            Assert.Equal(2, await members.ReadAsync(ann, (database, c) => database.UsageLogs.CountAsync(c), Cancellation));
            Assert.NotEqual(0, await Database.ExecuteAsync(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'UsageLogsSite member' AND datname = current_database()"));
        }
    }

    [Fact]
    public async Task Members_who_share_connections_never_see_each_others_rows_whatever_goes_wrong()
    {
        const int Members = 200;
        var rounds = Run.IsLong ? 100 : 10;
        await Database.AddUsersAsync(Members);
        await FoldAsync();
        var ids = (await Database.RowsAsync("SELECT id FROM users")).ConvertAll(Guid.Parse);
        await using var narrow = Open(new NpgsqlConnectionStringBuilder(Database.ConnectionString) { MaxPoolSize = 2 }.ConnectionString);
        var members = new MemberDatabase(narrow, TimeProvider.System, new ReplicaMetrics(Meters.Unread), NullLoggerFactory.Instance);

        // More than there are connections, and not so many that one waits for its turn longer than a page may.
        using var turns = new SemaphoreSlim(8);
        var outcomes = await Task.WhenAll(ids.Select((id, i) => Task.Run(() => ReadAtRandomAsync(members, turns, id, rounds, new Random(i)), Cancellation)));

        Assert.Equal(0, outcomes.Sum(o => o.Foreign));
        Assert.All([outcomes.Sum(o => o.Read), outcomes.Sum(o => o.Cancelled), outcomes.Sum(o => o.Failed)], count => Assert.InRange(count, Members, int.MaxValue));

        // What a connection may have kept of the last member: nothing, to whoever gets it next without an identity.
        for (var i = 0; i < 4; i++)
            Assert.Equal(0L, await AskAsync<long>(narrow.Member, "SELECT count(*) FROM users"));
    }

    private static async Task<Outcome> ReadAtRandomAsync(MemberDatabase members, SemaphoreSlim turns, Guid id, int rounds, Random random)
    {
        var outcome = new Outcome();
        for (var round = 0; round < rounds; round++)
        {
            using var cancelling = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
            var fate = random.Next(4);
            await turns.WaitAsync(Cancellation);
            try
            {
                var seen = await members.ReadAsync(id, (database, c) => ReadAsync(database, fate, random, cancelling, c), cancelling.Token);
                outcome.Read++;
                outcome.Foreign += seen.Count(user => user != id) + (seen.Count == 3 ? 0 : 1);
            }
            catch (Exception e) when (e is OperationCanceledException || cancelling.IsCancellationRequested)
            {
                outcome.Cancelled++;
            }
            catch (Exception e) when (e is PostgresException { SqlState: PostgresErrorCodes.DivisionByZero } or NotSupportedException)
            {
                outcome.Failed++;
            }
            finally
            {
                turns.Release();
            }
        }

        return outcome;
    }

    /// <summary>Reads three rows; or is cancelled, or fails in PostgreSQL or here, in between.</summary>
    private static async Task<List<Guid>> ReadAsync(Data.UsageDbContext database, int fate, Random random, CancellationTokenSource cancelling, CancellationToken cancellation)
    {
        var seen = await database.UsageLogs.Select(l => l.UserId).ToListAsync(cancellation);
        if (fate == 1)
            cancelling.CancelAfter(TimeSpan.FromMilliseconds(random.Next(3)));
        if (fate == 1)
            await database.Database.ExecuteSqlAsync($"SELECT pg_sleep(1)", cancellation);
        if (fate == 2)
            await database.Database.ExecuteSqlAsync($"SELECT 1 / (SELECT count(*) - 1 FROM users)", cancellation);
        if (fate == 3 && random.Next(2) == 0)
            throw new NotSupportedException("A failure of the program.");
        seen.AddRange(await database.UsageTotals.Select(t => t.UserId).ToListAsync(cancellation));
        seen.AddRange(await database.Users.Select(u => u.Id).ToListAsync(cancellation));
        return seen;
    }

    private sealed class Outcome
    {
        internal int Read { get; set; }

        internal int Cancelled { get; set; }

        internal int Failed { get; set; }

        internal int Foreign { get; set; }
    }
}

using Microsoft.Extensions.Time.Testing;
using Npgsql;
using UsageLogsSite.Data;
using UsageLogsSite.Retention;
using UsageLogsSite.Tests.Rollup;
using UsageLogsSite.Tests.Support;

namespace UsageLogsSite.Tests.Retention;

/// <summary>Usage logs lie in a partition for each month, and whoever writes them need not know.</summary>
[Collection("Transactions held open anywhere in the cluster keep a fold from its sleep")]
public sealed class PartitionsTests(PostgresCluster cluster) : SiteTest(cluster)
{
    private const string Places = "SELECT tableoid::regclass::text FROM usage_logs ORDER BY created_at";

    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2031, 5, 31, 23, 59, 0, TimeSpan.Zero));

    [Fact]
    public async Task Rows_lie_in_the_partition_of_their_month_in_UTC_and_those_of_any_other_in_the_default_one()
    {
        var ann = await Database.AddUserAsync("Ann");
        await new Partitions(Database.DataSource, _time).MakeAheadAsync(Cancellation);
        foreach (var at in new[] { "1970-01-01 00:00:00+00", "2031-04-30 23:59:59.999999+00", "2031-05-01 00:00:00+00", "2031-06-01 01:59:59.999999+02", "2031-06-01 02:00:00+02", "2199-12-31 00:00:00+00" })
            await Database.ExecuteAsync($"INSERT INTO usage_logs (user_id, model, created_at) VALUES ($1, 'm', '{at}')", ann);
        Assert.Equal(
            ["usage_logs_default", "usage_logs_default", "usage_logs_y2031m05", "usage_logs_y2031m05", "usage_logs_y2031m06", "usage_logs_default"],
            await Database.RowsAsync(Places));
    }

    [Fact]
    public async Task A_schema_has_the_partitions_of_this_month_and_the_next_three()
    {
        var month = DateTime.UtcNow;
        var expected = Enumerable.Range(0, 4).Select(ahead => $"usage_logs_y{Partitions.MonthOf(month).AddMonths(ahead):yyyy}m{Partitions.MonthOf(month).AddMonths(ahead):MM}");
        Assert.Equal([.. expected, Partitions.Default], (await new Partitions(Database.DataSource, TimeProvider.System).ListAsync(Cancellation)).Select(p => p.Name));
    }

    [Fact]
    public async Task Partitions_are_made_three_months_ahead_and_each_only_once()
    {
        var partitions = new Partitions(Database.DataSource, _time);
        Assert.Equal(4, await partitions.MakeAheadAsync(Cancellation));
        Assert.Equal(0, await partitions.MakeAheadAsync(Cancellation));
        _time.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(1, await partitions.MakeAheadAsync(Cancellation));
        var made = Assert.Single(await partitions.ListAsync(Cancellation), p => p.Name == "usage_logs_y2031m09");
        Assert.Equal((new DateTime(2031, 9, 1, 0, 0, 0, DateTimeKind.Utc), new DateTime(2031, 10, 1, 0, 0, 0, DateTimeKind.Utc)), (made.Start, made.End));
    }

    [Fact]
    public async Task The_elected_site_makes_them()
    {
        var next = Partitions.MonthOf(DateTime.UtcNow).AddMonths(1);
        await Database.ExecuteAsync($"DROP TABLE usage_logs_y{next:yyyy}m{next:MM}");
        await using var site = await Site.StartAsync(Database);
        await Eventually.TrueAsync(async () => (await new Partitions(Database.DataSource, TimeProvider.System).ListAsync(Cancellation)).Any(p => p.Start == next), "the partition is there");
    }

    [Fact]
    public async Task Rows_that_the_default_partition_holds_move_uncounted_when_their_month_gets_one()
    {
        var ann = await Database.AddUserAsync("Ann");
        await Database.ExecuteAsync("INSERT INTO usage_logs (user_id, model, created_at) SELECT $1, 'm', '2031-04-29'::timestamptz + i * interval '1 day' FROM generate_series(0, 39) i", ann);
        var deltas = await Database.ScalarAsync<long>("SELECT count(*) FROM usage_deltas");
        await new Partitions(Database.DataSource, _time).MakeAheadAsync(Cancellation);
        Assert.Equal(["usage_logs_default|2", "usage_logs_y2031m05|31", "usage_logs_y2031m06|7"], await Database.RowsAsync("SELECT tableoid::regclass::text, count(*) FROM usage_logs GROUP BY 1 ORDER BY 1"));
        Assert.Equal(deltas, await Database.ScalarAsync<long>("SELECT count(*) FROM usage_deltas"));
        await Assert.ThrowsAsync<PostgresException>(() => Database.ExecuteAsync("INSERT INTO usage_logs (user_id, model, created_at) VALUES (gen_random_uuid(), 'm', '2031-05-05')"));
        await using var site = await Site.StartAsync(Database);
        await Totals.AssertExactAsync(Database);
    }

    [Fact]
    public async Task An_update_that_moves_rows_to_another_month_counts_old_and_new_once_each()
    {
        var ann = await Database.AddUserAsync("Ann");
        await Database.ExecuteAsync("INSERT INTO usage_logs (user_id, model, cost_usd) SELECT $1, 'm', 1 FROM generate_series(1, 200)", ann);
        await Database.ExecuteAsync("DELETE FROM usage_deltas");
        await Database.ExecuteAsync("UPDATE usage_logs SET created_at = now() + interval '40 days', cost_usd = 3");
        Assert.Equal(["-1|-1|200", "1|3|200"], await Database.RowsAsync("SELECT requests, trim_scale(cost_usd), count(*) FROM usage_deltas GROUP BY 1, 2 ORDER BY 1"));
        Assert.Equal(1L, await Database.ScalarAsync<long>("SELECT count(DISTINCT tableoid) FROM usage_logs"));
    }

    [Fact]
    public async Task Copy_fills_several_months_at_once()
    {
        var ann = await Database.AddUserAsync("Ann");
        await using (var connection = await Database.DataSource.OpenConnectionAsync(Cancellation))
            await connection.CopyAsync(Enumerable.Range(0, 120).Select(day => new UsageLog { UserId = ann, Model = "m", CostUsd = 1, CreatedAt = DateTime.UtcNow.AddDays(day - 30) }), Cancellation);
        Assert.InRange(await Database.ScalarAsync<long>("SELECT count(DISTINCT tableoid) FROM usage_logs"), 4, 5);
        await using var site = await Site.StartAsync(Database);
        await Totals.AssertExactAsync(Database);
        Assert.Equal(120L, await Database.ScalarAsync<long>("SELECT requests FROM usage_totals"));
    }

    [Fact]
    public async Task A_transaction_that_stays_open_delays_a_partition_but_no_other_writer()
    {
        var ann = await Database.AddUserAsync("Ann");
        await using var connection = await Database.DataSource.OpenConnectionAsync(Cancellation);
        await using var transaction = await connection.BeginTransactionAsync(Cancellation);
        await using (var old = new NpgsqlCommand($"INSERT INTO usage_logs (user_id, model, created_at) VALUES ('{ann}', 'm', '2031-05-05')", connection))
            await old.ExecuteNonQueryAsync(Cancellation);
        var making = new Partitions(Database.DataSource, TimeProvider.System).MakeAsync(_time.GetUtcNow().UtcDateTime, _time.GetUtcNow().UtcDateTime, Cancellation);

        // Each waits behind one attempt at most.
        for (var i = 0; i < 50; i++)
            await Database.ExecuteAsync("SET lock_timeout = '900ms'; UPDATE usage_logs SET cost_usd = 1; INSERT INTO usage_logs (user_id, model) SELECT id, 'm' FROM users; RESET lock_timeout");
        Assert.False(making.IsCompleted);
        await transaction.CommitAsync(Cancellation);
        Assert.Equal(1, await making);
        Assert.Equal(1L, await Database.ScalarAsync<long>("SELECT count(*) FROM usage_logs_y2031m05"));
    }

    [Fact]
    public async Task Rights_on_the_logs_survive_the_move_into_partitions()
    {
        var role = $"app_{Guid.NewGuid():N}";
        await using var context = UsageDatabase.CreateContext(Database.DataSource);
        await Microsoft.EntityFrameworkCore.Infrastructure.AccessorExtensions.GetService<Microsoft.EntityFrameworkCore.Migrations.IMigrator>(context.Database).MigrateAsync("Activity", Cancellation);
        await Database.ExecuteAsync("INSERT INTO users (email) VALUES ('ann@example.test'); INSERT INTO usage_logs (user_id, model, created_at) SELECT id, 'm', t::timestamptz FROM users, (VALUES ('1999-01-01'), ('2199-01-01'), ('today')) v (t)");
        await Database.ExecuteAsync($"CREATE ROLE {role}; GRANT SELECT, INSERT ON usage_logs TO {role} WITH GRANT OPTION; GRANT UPDATE (model) ON usage_logs TO {role}");
        await Database.MigrateAsync();
        await Database.ExecuteAsync($"SET ROLE {role}; UPDATE usage_logs SET model = 'n'; INSERT INTO usage_logs (user_id, model) SELECT user_id, model FROM usage_logs; RESET ROLE");
        var refusal = await Assert.ThrowsAsync<PostgresException>(() => Database.ExecuteAsync($"SET ROLE {role}; DELETE FROM usage_logs"));
        Assert.Equal(PostgresErrorCodes.InsufficientPrivilege, refusal.SqlState);
        Assert.Equal(6L, await Database.ScalarAsync<long>("SELECT count(*) FROM usage_logs WHERE model = 'n'"));
        await Database.ExecuteAsync($"DROP OWNED BY {role}; DROP ROLE {role}");
    }
}

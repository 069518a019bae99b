using Npgsql;
using Spectre.Console;
using UsageLogsSite.Data;
using UsageLogsSite.Hosting;
using UsageLogsSite.Retention;

namespace UsageLogsSite.Commands;

/// <summary>
/// Loads by COPY in batches, each a transaction of its own with its deltas: triggers stay on, totals stay exact, and whoever else
/// writes or folds meanwhile waits for nothing.
/// </summary>
/// <param name="owner">The database.</param>
/// <param name="time">Paces the waiting.</param>
/// <param name="plan">What to load.</param>
internal sealed class Seeder(NpgsqlDataSource owner, TimeProvider time, SeedPlan plan)
{
    private const int Connections = 2;

    private readonly SeedData _data = new(plan);

    /// <exception cref="StartupException">The seed was loaded before.</exception>
    /// <exception cref="NpgsqlException">The database failed; batches that were loaded stay.</exception>
    internal async Task LoadAsync(Progress progress, CancellationToken cancellation)
    {
        // Rows of a month without a partition would go to the default one, and be moved when it gets one.
        await new Partitions(owner, time).MakeAsync(SeedData.From(plan), plan.Until, cancellation);
        try
        {
            await progress.StartAsync(async shown =>
            {
                var (users, purchases, logs) = (shown.AddTask("users", maxValue: plan.Users), Task(shown, "purchases", plan.Purchases), Task(shown, "logs", plan.Logs));
                await LoadAsync(users, plan.Users, (connection, batch, c) => connection.CopyAsync(_data.Users(batch), c), cancellation);
                await LoadAsync(purchases, plan.Purchases, (connection, batch, c) => connection.CopyAsync(_data.Purchases(batch), c), cancellation);
                await LoadAsync(logs, plan.Logs, (connection, batch, c) => connection.CopyAsync(_data.Logs(batch), c), cancellation);
            });
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.UniqueViolation)
        {
            throw new StartupException($"The database has rows of --seed {plan.Seed} already. Give another one.", e);
        }

        // What follows reads the tables as a whole, and should know how large they have become.
        await using var analyze = owner.CreateCommand("ANALYZE users, usage_logs, credit_purchases");
        analyze.CommandTimeout = 0;
        await analyze.ExecuteNonQueryAsync(cancellation);
    }

    private static ProgressTask Task(ProgressContext shown, string name, long rows) => shown.AddTask(name, maxValue: Math.Max(rows, 1));

    private async Task LoadAsync(ProgressTask task, long rows, Func<NpgsqlConnection, long, CancellationToken, Task> copyAsync, CancellationToken cancellation)
    {
        var batches = (rows + SeedData.BatchSize - 1) / SeedData.BatchSize;
        var options = new ParallelOptions { MaxDegreeOfParallelism = Connections, CancellationToken = cancellation };
        await Parallel.ForAsync(0, batches, options, async (batch, c) =>
        {
            await using var connection = await owner.OpenConnectionAsync(c);
            await copyAsync(connection, batch, c);
            task.Increment(Math.Min(SeedData.BatchSize, rows - (batch * SeedData.BatchSize)));
        });
        task.Value = task.MaxValue;
    }
}

using System.Diagnostics;
using Bogus;
using Npgsql;
using NpgsqlTypes;
using Spectre.Console;
using UsageLogsSite.Data;

namespace UsageLogsSite.Hosting;

/// <summary>A small, believable product to look at: the same users, logs and purchases for everyone who tries the site.</summary>
internal static class DemoData
{
    internal static readonly IReadOnlyList<DemoModel> Models =
    [
        new("swift-mini", 0.0000004m, 0.0000016m),
        new("swift-large", 0.0000025m, 0.00001m),
        new("sage-3", 0.000003m, 0.000015m),
        new("sage-3-deep", 0.000015m, 0.000075m),
    ];

    private const int Seed = 20_260_101;
    private const int Users = 240;
    private const int Logs = 20_000;
    private const int Purchases = 600;
    private const int Days = 90;

    private static readonly decimal[] Packs = [10m, 25m, 50m, 100m, 250m];

    /// <summary>Fills an empty database, in one transaction; one that has users is left alone.</summary>
    internal static async Task LoadOnceAsync(NpgsqlDataSource owner, CancellationToken cancellation)
    {
        await using var connection = await owner.OpenConnectionAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        await using (var any = new NpgsqlCommand("SELECT pg_advisory_xact_lock(hashtext('demo data')); SELECT EXISTS (SELECT FROM users)", connection))
        {
            // Two sites may start together: the second waits, and finds what the first has loaded.
            await using var reader = await any.ExecuteReaderAsync(cancellation);
            await reader.NextResultAsync(cancellation);
            await reader.ReadAsync(cancellation);
            if (reader.GetBoolean(0))
                return;
        }

        var start = Stopwatch.GetTimestamp();
        await AnsiConsole.Progress().HideCompleted(false).StartAsync(async progress =>
        {
            var task = progress.AddTask("Loading demo data", maxValue: Users + Logs + Purchases);
            await LoadAsync(connection, task, cancellation);
            await transaction.CommitAsync(cancellation);
        });
        Console.WriteLine($"Demo data: {Users} users, {Logs:N0} logs, {Purchases} purchases in {Stopwatch.GetElapsedTime(start).TotalSeconds:0.0} s");
    }

    /// <summary>One response as a user would cause it.</summary>
    internal static UsageLog NewLog(Randomizer random, Guid userId, DateTime at)
    {
        var model = random.WeightedRandom([.. Models], [0.45f, 0.3f, 0.2f, 0.05f]);
        var prompt = random.Int(40, 6_000);
        var completion = random.Int(20, 1_800);
        var cost = prompt * model.PromptUsd + completion * model.CompletionUsd;
        return new UsageLog
        {
            UserId = userId,
            Model = model.Name,
            PromptTokens = prompt,
            CompletionTokens = completion,
            CostUsd = cost,
            Credits = Math.Round(cost * 150, 2),
            Status = random.Bool(0.97f) ? UsageLogStatus.Succeeded : UsageLogStatus.Failed,
            CreatedAt = at,
        };
    }

    /// <summary>A price, and the credits it buys.</summary>
    internal static (decimal AmountUsd, decimal Credits) NewPack(Randomizer random)
    {
        var amount = random.ArrayElement(Packs);
        return (amount, amount * 100);
    }

    private static async Task LoadAsync(NpgsqlConnection connection, ProgressTask progress, CancellationToken cancellation)
    {
        var faker = new Faker("en") { Random = new Randomizer(Seed) };
        var now = DateTime.UtcNow;
        var users = Enumerable.Range(0, Users).Select(i => NewUser(faker, i, now)).ToList();

        await using (var import = await connection.BeginBinaryImportAsync("COPY users (id, email, name, user_type, created_at) FROM STDIN (FORMAT binary)", cancellation))
        {
            foreach (var user in users)
            {
                await import.StartRowAsync(cancellation);
                await import.WriteAsync(user.Id, NpgsqlDbType.Uuid, cancellation);
                await import.WriteAsync(user.Email, NpgsqlDbType.Text, cancellation);
                await import.WriteAsync(user.Name, NpgsqlDbType.Text, cancellation);
                await import.WriteAsync(user.UserType == UserType.Internal ? "internal" : "external", NpgsqlDbType.Text, cancellation);
                await import.WriteAsync(user.CreatedAt, NpgsqlDbType.TimestampTz, cancellation);
                progress.Increment(1);
            }

            await import.CompleteAsync(cancellation);
        }

        await LoadLogsAsync(connection, faker.Random, users, now, progress, cancellation);
        await LoadPurchasesAsync(connection, faker.Random, users, now, progress, cancellation);
    }

    private static User NewUser(Faker faker, int index, DateTime now)
    {
        var person = new { First = faker.Name.FirstName(), Last = faker.Name.LastName() };
        var isInternal = index % 12 == 0;
        return new User
        {
            Id = faker.Random.Guid(),
            Name = $"{person.First} {person.Last}",
            Email = faker.Internet.Email(person.First, person.Last, isInternal ? "example.com" : $"{faker.Internet.DomainWord()}.example", $"{index}").ToLowerInvariant(),
            UserType = isInternal ? UserType.Internal : UserType.External,
            CreatedAt = now.AddDays(-faker.Random.Double(Days, 2 * Days)),
        };
    }

    private static async Task LoadLogsAsync(
        NpgsqlConnection connection, Randomizer random, List<User> users, DateTime now, ProgressTask progress, CancellationToken cancellation)
    {
        await using var import = await connection.BeginBinaryImportAsync(
            "COPY usage_logs (user_id, model, prompt_tokens, completion_tokens, credits, cost_usd, status, created_at) FROM STDIN (FORMAT binary)", cancellation);
        for (var i = 0; i < Logs; i++)
        {
            var user = Math.Min((int)(Math.Pow(random.Double(), 2.2) * Users), Users - 1);

            // The further down the list, the longer ago a user was last seen: the activity filter has something to find.
            var quietDays = Math.Pow((double)user / Users, 3) * 60;
            var log = NewLog(random, users[user].Id, now.AddDays(-quietDays - random.Double() * (Days - quietDays)));
            await import.StartRowAsync(cancellation);
            await import.WriteAsync(log.UserId, NpgsqlDbType.Uuid, cancellation);
            await import.WriteAsync(log.Model, NpgsqlDbType.Text, cancellation);
            await import.WriteAsync(log.PromptTokens, NpgsqlDbType.Integer, cancellation);
            await import.WriteAsync(log.CompletionTokens, NpgsqlDbType.Integer, cancellation);
            await import.WriteAsync(log.Credits, NpgsqlDbType.Numeric, cancellation);
            await import.WriteAsync(log.CostUsd, NpgsqlDbType.Numeric, cancellation);
            await import.WriteAsync(log.Status == UsageLogStatus.Succeeded ? "succeeded" : "failed", NpgsqlDbType.Text, cancellation);
            await import.WriteAsync(log.CreatedAt, NpgsqlDbType.TimestampTz, cancellation);
            progress.Increment(1);
        }

        await import.CompleteAsync(cancellation);
    }

    private static async Task LoadPurchasesAsync(
        NpgsqlConnection connection, Randomizer random, List<User> users, DateTime now, ProgressTask progress, CancellationToken cancellation)
    {
        await using var import = await connection.BeginBinaryImportAsync(
            "COPY credit_purchases (user_id, amount_usd, credits, status, created_at) FROM STDIN (FORMAT binary)", cancellation);
        var customers = users.Where(u => u.UserType == UserType.External).ToList();
        for (var i = 0; i < Purchases; i++)
        {
            var (amount, credits) = NewPack(random);
            await import.StartRowAsync(cancellation);
            await import.WriteAsync(customers[(int)(Math.Pow(random.Double(), 1.6) * (customers.Count - 1))].Id, NpgsqlDbType.Uuid, cancellation);
            await import.WriteAsync(amount, NpgsqlDbType.Numeric, cancellation);
            await import.WriteAsync(credits, NpgsqlDbType.Numeric, cancellation);
            await import.WriteAsync(random.WeightedRandom(["completed", "failed", "refunded", "pending"], [0.86f, 0.07f, 0.04f, 0.03f]), NpgsqlDbType.Text, cancellation);
            await import.WriteAsync(now.AddDays(-random.Double() * Days), NpgsqlDbType.TimestampTz, cancellation);
            progress.Increment(1);
        }

        await import.CompleteAsync(cancellation);
    }
}

/// <summary>A model of the demo product.</summary>
/// <param name="Name">Its name in the logs.</param>
/// <param name="PromptUsd">Price of a prompt token in US dollars.</param>
/// <param name="CompletionUsd">Price of a completion token in US dollars.</param>
internal sealed record DemoModel(string Name, decimal PromptUsd, decimal CompletionUsd);

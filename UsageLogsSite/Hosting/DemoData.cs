using System.Diagnostics;
using Bogus;
using Npgsql;
using Spectre.Console;
using UsageLogsSite.Data;
using UsageLogsSite.Retention;

namespace UsageLogsSite.Hosting;

/// <summary>A small, believable product to look at: the same users, logs and purchases for everyone who tries the site.</summary>
internal static class DemoData
{
    private static readonly DemoModel[] Models =
    [
        new("swift-mini", 0.0000004m, 0.0000016m),
        new("swift-large", 0.0000025m, 0.00001m),
        new("sage-3", 0.000003m, 0.000015m),
        new("sage-3-deep", 0.000015m, 0.000075m),
    ];

    private static readonly float[] ModelWeights = [0.45f, 0.3f, 0.2f, 0.05f];

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
        var now = DateTime.UtcNow;
        await new Partitions(owner, TimeProvider.System).MakeAsync(now.AddDays(-Days), now, cancellation);
        await AnsiConsole.Progress().HideCompleted(false).StartAsync(async progress =>
        {
            var task = progress.AddTask("Loading demo data", maxValue: Users + Logs + Purchases);
            await LoadAsync(connection, now, task, cancellation);
            await transaction.CommitAsync(cancellation);
        });
        Console.WriteLine($"Demo data: {Users} users, {Logs:N0} logs, {Purchases} purchases in {Stopwatch.GetElapsedTime(start).TotalSeconds:0.0} s");
    }

    /// <summary>One response as a user would cause it.</summary>
    internal static UsageLog NewLog(Randomizer random, Guid userId, DateTime at)
    {
        var model = random.WeightedRandom(Models, ModelWeights);
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

    /// <summary>A user; every twelfth is internal.</summary>
    /// <param name="faker">Gives the name.</param>
    /// <param name="index">Which user of the product it is.</param>
    /// <param name="unique">What makes the address unlike all others.</param>
    /// <param name="createdBefore">The user was created in as many days before this time (UTC).</param>
    /// <param name="days">How many days.</param>
    internal static User NewUser(Faker faker, int index, string unique, DateTime createdBefore, int days)
    {
        var person = new { First = faker.Name.FirstName(), Last = faker.Name.LastName() };
        var isInternal = IsInternal(index);
        return new User
        {
            Id = faker.Random.Guid(),
            Name = $"{person.First} {person.Last}",
            Email = faker.Internet.Email(person.First, person.Last, isInternal ? "example.com" : $"{faker.Internet.DomainWord()}.example", unique).ToLowerInvariant(),
            UserType = isInternal ? UserType.Internal : UserType.External,
            CreatedAt = createdBefore.AddDays(-faker.Random.Double(0, days)),
        };
    }

    /// <summary>Whether the user of this index is one of the operator's own.</summary>
    internal static bool IsInternal(long index) => index % 12 == 0;

    /// <summary>A purchase of one of the packs.</summary>
    internal static CreditPurchase NewPurchase(Randomizer random, Guid userId, DateTime at)
    {
        var (amount, credits) = NewPack(random);
        var status = random.WeightedRandom(
            [PurchaseStatus.Completed, PurchaseStatus.Failed, PurchaseStatus.Refunded, PurchaseStatus.Pending], [0.86f, 0.07f, 0.04f, 0.03f]);
        return new CreditPurchase { UserId = userId, AmountUsd = amount, Credits = credits, Status = status, CreatedAt = at };
    }

    private static async Task LoadAsync(NpgsqlConnection connection, DateTime now, ProgressTask progress, CancellationToken cancellation)
    {
        var faker = new Faker("en") { Random = new Randomizer(Seed) };
        var users = Enumerable.Range(0, Users).Select(i => NewUser(faker, i, $"{i}", now.AddDays(-Days), Days)).ToList();
        await connection.CopyAsync(users, cancellation);
        progress.Increment(Users);
        await connection.CopyAsync(NewLogs(faker.Random, users, now), cancellation);
        progress.Increment(Logs);
        await connection.CopyAsync(NewPurchases(faker.Random, users, now), cancellation);
        progress.Increment(Purchases);
    }

    private static IEnumerable<UsageLog> NewLogs(Randomizer random, List<User> users, DateTime now)
    {
        for (var i = 0; i < Logs; i++)
        {
            var user = Math.Min((int)(Math.Pow(random.Double(), 2.2) * Users), Users - 1);

            // The further down the list, the longer ago a user was last seen: the activity filter has something to find.
            var quietDays = Math.Pow((double)user / Users, 3) * 60;
            yield return NewLog(random, users[user].Id, now.AddDays(-quietDays - random.Double() * (Days - quietDays)));
        }
    }

    private static IEnumerable<CreditPurchase> NewPurchases(Randomizer random, List<User> users, DateTime now)
    {
        var customers = users.Where(u => u.UserType == UserType.External).ToList();
        for (var i = 0; i < Purchases; i++)
            yield return NewPurchase(random, customers[(int)(Math.Pow(random.Double(), 1.6) * (customers.Count - 1))].Id, now.AddDays(-random.Double() * Days));
    }
}

/// <summary>A model of the demo product.</summary>
/// <param name="Name">Its name in the logs.</param>
/// <param name="PromptUsd">Price of a prompt token in US dollars.</param>
/// <param name="CompletionUsd">Price of a completion token in US dollars.</param>
internal sealed record DemoModel(string Name, decimal PromptUsd, decimal CompletionUsd);

using Bogus;
using UsageLogsSite.Data;
using UsageLogsSite.Hosting;

namespace UsageLogsSite.Commands;

/// <summary>
/// A believable product of any size: few users do most, more happened lately than long ago. The same seed, counts and end give the
/// same rows, ids included; another end moves only the times. Every batch has a random source of its own, so that batches can be
/// made in any order.
/// </summary>
/// <param name="plan">What to make.</param>
internal sealed class SeedData(SeedPlan plan)
{
    /// <summary>Rows of a batch; part of what a seed means.</summary>
    internal const int BatchSize = 50_000;

    /// <summary>How far logs and purchases reach back: thirteen months.</summary>
    private const int Days = 396;

    /// <summary>Users of a rank have 1 / rank ^ this of the first one's logs.</summary>
    private const double Skew = 0.9;

    /// <summary>A prime: multiplying by it scatters ranks over the users.</summary>
    private const long Scatter = 2_654_435_761;

    /// <summary>The oldest time that a plan's rows can have, in UTC.</summary>
    internal static DateTime From(SeedPlan plan) => plan.Until.AddDays(-Days);

    private enum Kind
    {
        User,
        Log,
        Purchase,
    }

    internal IEnumerable<User> Users(long batch)
    {
        var faker = new Faker("en") { Random = RandomOf(Kind.User, batch) };
        foreach (var i in Indexes(batch, plan.Users))
        {
            var user = DemoData.NewUser(faker, (int)i, $".s{plan.Seed}.{i}", plan.Until.AddDays(-Days), Days);
            user.Id = IdOf(Kind.User, i);
            yield return user;
        }
    }

    internal IEnumerable<UsageLog> Logs(long batch)
    {
        var random = RandomOf(Kind.Log, batch);
        foreach (var i in Indexes(batch, plan.Logs))
        {
            var log = DemoData.NewLog(random, IdOf(Kind.User, AnyUser(random)), TimeOf(random, i, plan.Logs));
            log.Id = IdOf(Kind.Log, i);
            yield return log;
        }
    }

    internal IEnumerable<CreditPurchase> Purchases(long batch)
    {
        var random = RandomOf(Kind.Purchase, batch);
        foreach (var i in Indexes(batch, plan.Purchases))
        {
            var purchase = DemoData.NewPurchase(random, IdOf(Kind.User, AnyCustomer(random)), TimeOf(random, i, plan.Purchases));
            purchase.Id = IdOf(Kind.Purchase, i);
            yield return purchase;
        }
    }

    private static IEnumerable<long> Indexes(long batch, long count)
    {
        for (var i = batch * BatchSize; i < Math.Min((batch + 1) * BatchSize, count); i++)
            yield return i;
    }

    private Randomizer RandomOf(Kind kind, long batch) => new(unchecked((int)((((plan.Seed * 31L) + (int)kind) * 1_000_003) + batch)));

    /// <summary>Recognisable (version 8, the seed first), and in order: an index of ids in order is written at its end only.</summary>
    private Guid IdOf(Kind kind, long index) => new(
        plan.Seed, (short)(index >> 32), (short)(0x8000 | (int)kind), 0x80, 0, 0, 0, (byte)(index >> 24), (byte)(index >> 16), (byte)(index >> 8), (byte)index);

    // Zipf's law as a continuous distribution, inverted.
    private long AnyUser(Randomizer random)
    {
        var rest = 1 - Skew;
        var rank = (long)Math.Pow((random.Double() * (Math.Pow(plan.Users + 1, rest) - 1)) + 1, 1 / rest) - 1;
        return Math.Clamp(rank, 0, plan.Users - 1) * Scatter % plan.Users;
    }

    private long AnyCustomer(Randomizer random)
    {
        var user = AnyUser(random);
        return DemoData.IsInternal(user) && user + 1 < plan.Users ? user + 1 : user;
    }

    // Rows come in the order of time, as in life, and lie so in the table.
    private DateTime TimeOf(Randomizer random, long index, long count)
    {
        var ago = Days * Math.Pow(1 - ((index + random.Double()) / count), 1.6);
        return plan.Until.AddTicks(-(long)(ago * TimeSpan.TicksPerDay) / 10 * 10); // PostgreSQL keeps microseconds
    }
}

/// <summary>What to load.</summary>
/// <param name="Users">Number of users; at least 1.</param>
/// <param name="Logs">Number of usage logs.</param>
/// <param name="Purchases">Number of purchases.</param>
/// <param name="Seed">What all that is random follows from.</param>
/// <param name="Until">The end of the thirteen months that are filled, in UTC.</param>
internal sealed record SeedPlan(int Users, long Logs, long Purchases, int Seed, DateTime Until);

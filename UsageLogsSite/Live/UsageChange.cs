using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using UsageLogsSite.Filters;
using UsageLogsSite.Queries;
using UsageLogsSite.Rollup;

namespace UsageLogsSite.Live;

/// <summary>A hint that totals changed, and whose. It carries no data: any database login can send or read it.</summary>
/// <param name="Internal">Totals of internal users may have changed.</param>
/// <param name="External">Totals of external users may have changed.</param>
/// <param name="Users">The <see cref="NameOf">names</see> of the users whose usage may have changed; null if it may be anybody's.</param>
/// <param name="Origin">Where it comes from, for telemetry only.</param>
internal readonly record struct UsageChange(bool Internal, bool External, IReadOnlySet<uint>? Users = null, ChangeOrigin Origin = default)
{
    /// <summary>Anything may have changed: after a gap, or when a hint cannot be read.</summary>
    internal static readonly UsageChange Anything = new(true, true);

    /// <summary>
    /// Reads the payload of <c>usage_changed</c>: user types, separated by commas, then perhaps a semicolon and users' names in hexadecimal
    /// digits, separated by commas, then perhaps its origin. Whatever cannot be read means that anything may have changed.
    /// </summary>
    /// <param name="payload">What PostgreSQL handed over.</param>
    /// <param name="now">The time.</param>
    internal static UsageChange Parse(string payload, DateTimeOffset now)
    {
        var end = payload.IndexOf(ChangeOrigin.Separator, StringComparison.Ordinal);
        return end < 0 ? Parse(payload) : Parse(payload[..end]) with { Origin = ChangeOrigin.Parse(payload[(end + 1)..], now) };
    }

    private static UsageChange Parse(string payload)
    {
        var end = payload.IndexOf(';', StringComparison.Ordinal);
        var change = (end < 0 ? payload : payload[..end]) switch
        {
            "internal" => new UsageChange(true, false),
            "external" => new UsageChange(false, true),
            _ => Anything,
        };
        return end < 0 ? change : change with { Users = ParseUsers(payload[(end + 1)..]) };
    }

    /// <summary>What a user is called in hints. Who does not know the key cannot tell whose name it is; two users may share one.</summary>
    /// <param name="key">The key that only the rollup and the listener read (<c>rollup_state.hint_key</c>).</param>
    /// <param name="userId">The user.</param>
    internal static uint NameOf(Guid key, Guid userId)
    {
        Span<byte> named = stackalloc byte[32];
        key.TryWriteBytes(named, bigEndian: true, out _);
        userId.TryWriteBytes(named[16..], bigEndian: true, out _);
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(named, hash);
        return BinaryPrimitives.ReadUInt32BigEndian(hash);
    }

    /// <summary>Whether the answer to a question can have changed.</summary>
    /// <param name="question">What is asked.</param>
    /// <param name="key">The key of users' names; null if it is not known.</param>
    internal bool Affects(Question question, Guid? key) => question switch
    {
        EmbedQuestion embed => Affects(embed.Shown, key),
        UserQuestion user => Users is null || key is not { } known || Users.Contains(NameOf(known, user.UserId)),
        TableQuestion { Filter.Type: TypeFilter.Internal } => Internal,
        TableQuestion { Filter.Type: TypeFilter.External } => External,
        _ => Internal || External,
    };

    private static HashSet<uint>? ParseUsers(string names)
    {
        var users = new HashSet<uint>();
        foreach (var name in names.Split(','))
        {
            if (!uint.TryParse(name, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var user))
                return null;
            users.Add(user);
        }

        return users;
    }
}

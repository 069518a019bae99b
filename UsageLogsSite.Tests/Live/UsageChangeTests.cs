using UsageLogsSite.Access;
using UsageLogsSite.Filters;
using UsageLogsSite.Live;
using UsageLogsSite.Queries;
using UsageLogsSite.Tests.Support;

namespace UsageLogsSite.Tests.Live;

public sealed class UsageChangeTests(PostgresCluster cluster) : SiteTest(cluster)
{
    private static readonly Guid Key = Guid.NewGuid();
    private static readonly Guid Ann = Guid.NewGuid();
    private static readonly Guid Bob = Guid.NewGuid();

    [Fact]
    public void A_hint_wakes_those_whom_it_names()
    {
        var hint = UsageChange.Parse($"external;{UsageChange.NameOf(Key, Ann):x8},00000001", DateTimeOffset.UtcNow);
        Assert.True(hint.Affects(Of(Ann), Key));
        Assert.False(hint.Affects(Of(Bob), Key));
        Assert.True(hint.Affects(new TableQuestion(new UsageFilter()), Key));
        Assert.False(hint.Affects(new TableQuestion(new UsageFilter { Type = TypeFilter.Internal }), Key));
    }

    [Theory]
    [InlineData("external")]
    [InlineData("internal,external")]
    [InlineData("external;")]
    [InlineData("external;xyz")]
    [InlineData("external;1,")]
    [InlineData("")]
    [InlineData("anything else")]
    public void A_hint_that_names_nobody_or_cannot_be_read_wakes_everybody(string payload) =>
        Assert.True(UsageChange.Parse(payload, DateTimeOffset.UtcNow).Affects(Of(Ann), Key));

    [Fact]
    public void Without_the_key_everybody_is_woken() => Assert.True(UsageChange.Parse("external;00000001", DateTimeOffset.UtcNow).Affects(Of(Ann), key: null));

    [Fact]
    public async Task The_database_calls_a_user_the_same()
    {
        var name = await Database.ScalarAsync<string>("SELECT encode(substr(sha256(uuid_send($1) || uuid_send($2)), 1, 4), 'hex')", Key, Ann);
        Assert.Equal($"{UsageChange.NameOf(Key, Ann):x8}", name);
    }

    private static UserQuestion Of(Guid user) => new(Scope.Of(user), user, new UserFilter());
}

using Microsoft.Extensions.Configuration;
using UsageLogsSite.Hosting;

namespace UsageLogsSite.Tests.Hosting;

/// <summary>Connection strings with several hosts: which are refused, and what is asked of replicas by the others.</summary>
public sealed class HostListTests
{
    private const string Rest = ";Database=usagelogs;Username=app;Password=secret";

    [Theory]
    [InlineData("UsageLogs", "Host=db1,,db2", "has an empty name among its hosts: Host=db1,,db2")]
    [InlineData("Admin", "Host=db1,db2,", "has an empty name")]
    [InlineData("Member", "Host=db1:5433,DB1:5433", "names db1:5433 twice")]
    [InlineData("UsageLogs", "Host=db1,db2;Target Session Attributes=standby", "Allowed is prefer-standby, the same as leaving it out, and primary: no reads from replicas.")]
    [InlineData("Admin", "Host=db1,db2;Target Session Attributes=any", "Target Session Attributes=any")]
    [InlineData("Rollup", "Host=db1,db2;Target Session Attributes=prefer-standby", "Allowed is primary, or leaving it out.")]
    [InlineData("Ingest", "Host=db1,db2;Target Session Attributes=read-only", "Allowed is primary, or leaving it out.")]
    [InlineData("Admin", "Host=db1;Target Session Attributes=standby", "with one host: leave it out, or list the hosts")]
    [InlineData("Admin", "Host=db1,db2;Target Session Attributes=nonsense", "cannot be read")]
    public void What_would_not_do_what_it_says_is_refused(string name, string start, string reason)
    {
        var refusal = Assert.Throws<StartupException>(() => Open((name, start + Rest)));
        Assert.StartsWith($"ConnectionStrings:{name} ", refusal.Message, StringComparison.Ordinal);
        Assert.Contains(reason, refusal.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Host=db1", 0, 0)]
    [InlineData("Host=db1,db2,db3:5433", 3, 3)]
    [InlineData("Host=db1,db2;Target Session Attributes=Prefer-Standby", 2, 2)]
    [InlineData("Host=db1,db2;Target Session Attributes=primary", 0, 0)]
    public async Task Replicas_are_asked_where_several_hosts_are_listed_and_it_is_not_forbidden(string start, int admins, int members)
    {
        await using var databases = Open(("UsageLogs", start + Rest));
        Assert.Equal((admins, members), (databases.AdminReplicas.Hosts.Count, databases.MemberReplicas.Hosts.Count));
    }

    [Fact]
    public async Task Each_duty_has_the_hosts_of_its_own_string_and_Npgsqls_words_hold()
    {
        await using var databases = Open(
            ("UsageLogs", "Host=db1" + Rest), ("Admin", "Host=db1,db2:5433;Load Balance Hosts=true;Host Recheck Seconds=7" + Rest), ("Rollup", "Host=db1,db2:5433" + Rest));
        Assert.Equal((2, true, 0), (databases.AdminReplicas.Hosts.Count, databases.AdminReplicas.TakeTurns, databases.MemberReplicas.Hosts.Count));
        Assert.Contains("Port=5433", databases.AdminReplicas.Hosts[1].ConnectionString, StringComparison.Ordinal);
        Assert.Contains("Host Recheck Seconds=7", databases.Admin.ConnectionString, StringComparison.Ordinal);
        Assert.Contains("Host Recheck Seconds=60", databases.Rollup.ConnectionString, StringComparison.Ordinal);
    }

    private static Databases Open(params (string Name, string Value)[] given)
    {
        var settings = given.ToDictionary(g => $"ConnectionStrings:{g.Name}", g => (string?)g.Value);
        settings.TryAdd("ConnectionStrings:UsageLogs", "Host=db1" + Rest);
        return Databases.OfSite(new ConfigurationBuilder().AddInMemoryCollection(settings).Build());
    }
}

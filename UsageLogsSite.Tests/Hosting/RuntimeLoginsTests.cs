using System.Text;
using Microsoft.Extensions.Configuration;
using Npgsql;
using UsageLogsSite.Hosting;
using UsageLogsSite.Tests.Support;

namespace UsageLogsSite.Tests.Hosting;

/// <summary>The logins that a site makes for itself.</summary>
public sealed class RuntimeLoginsTests(PostgresCluster cluster) : SiteTest(cluster)
{
    private static readonly string[] Groups = [.. RuntimeConnection.Roles.Values];

    [Fact]
    public async Task Sites_that_start_together_make_each_login_once_and_all_can_use_it()
    {
        var sites = Enumerable.Range(0, 6).Select(_ => Open()).ToList();
        await Task.WhenAll(sites.Select(site => RuntimeChecks.CheckAsync(site, Cancellation)));
        foreach (var site in sites)
            await site.DisposeAsync();
        Assert.Equal(
            Groups.Select(g => $"{NameOf(g)}|True|False|False|False").Order(StringComparer.Ordinal),
            (await Database.RowsAsync($"SELECT rolname, rolcanlogin, rolsuper, rolcreaterole, rolbypassrls FROM pg_roles WHERE rolname LIKE '%' || current_database()")).Order(StringComparer.Ordinal));

        string NameOf(string group) => RuntimeLogins.NameOf(group, new NpgsqlConnectionStringBuilder(Database.ConnectionString).Database!);
    }

    [Fact]
    public async Task Whoever_waits_for_nothing_asynchronously_is_let_in_too()
    {
        await using var site = Open();
        using var connection = site.Admin.OpenConnection();
        using var command = new NpgsqlCommand("SELECT current_user", connection);
        Assert.StartsWith("usage_admin_t_", (string)command.ExecuteScalar()!, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_copy_on_another_server_gets_its_logins_back()
    {
        await using (var first = Open())
            await RuntimeChecks.CheckAsync(first, Cancellation);
        var login = await Database.ScalarAsync<string>("SELECT role FROM site_logins WHERE role LIKE 'usage_member%'");

        // As a server that has a login of this name already; and one that has none.
        await Database.ExecuteAsync($"ALTER ROLE {login} PASSWORD 'another'; REVOKE usage_member FROM {login}");
        await Database.ExecuteAsync($"DROP ROLE {login.Replace("member", "admin", StringComparison.Ordinal)}");
        await using (var second = Open())
            await RuntimeChecks.CheckAsync(second, Cancellation);
    }

    [Fact]
    public async Task A_database_that_is_read_only_serves_pages_with_the_logins_it_has()
    {
        await using (var first = Open())
            await RuntimeChecks.CheckAsync(first, Cancellation);
        await Database.MakeReadOnlyAsync();
        await using var second = Open();
        await RuntimeChecks.CheckAsync(second, Cancellation);
    }

    [Fact]
    public async Task Its_verifier_is_the_one_that_PostgreSQL_computes()
    {
        var role = $"scram_{Guid.NewGuid():N}";
        await Database.ExecuteAsync($"CREATE ROLE {role} PASSWORD 'pencil'");
        var expected = await Database.ScalarAsync<string>($"SELECT rolpassword FROM pg_authid WHERE rolname = '{role}'");
        await Database.ExecuteAsync($"DROP ROLE {role}");
        var (iterations, salt) = (int.Parse(expected.Split('$', ':')[1], System.Globalization.CultureInfo.InvariantCulture), expected.Split('$', ':')[2]);
        Assert.Equal(expected, ScramVerifier.Of("pencil", Convert.FromBase64String(salt), iterations));
        Assert.NotEqual(ScramVerifier.Of("pencil"), ScramVerifier.Of("pencil"));
    }

    [Theory]
    [InlineData("usagelogs")]
    [InlineData("a_database_whose_name_is_as_long_as_postgresql_lets_it_be_really")]
    [InlineData("ääääääääääääääääääääääääääääääää")]
    [InlineData("🦊🦊🦊🦊🦊🦊🦊🦊🦊🦊🦊🦊🦊🦊🦊")]
    public void Its_name_is_never_cut_off_by_PostgreSQL(string database)
    {
        var names = Groups.Select(group => RuntimeLogins.NameOf(group, database)).ToList();
        Assert.All(names, name => Assert.InRange(new UTF8Encoding(false, throwOnInvalidBytes: true).GetByteCount(name), 1, 63));
        Assert.Equal(names.Count, names.Distinct().Count());
        Assert.All(names, name => Assert.DoesNotContain(name, Groups.Select(group => RuntimeLogins.NameOf(group, database + "2"))));
    }

    private Databases Open() => Databases.OfSite(
        new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?> { ["ConnectionStrings:UsageLogs"] = Database.ConnectionString }).Build());
}

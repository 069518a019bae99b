using Microsoft.AspNetCore.Builder;
using UsageLogsSite.Hosting;
using UsageLogsSite.Rollup;

namespace UsageLogsSite.Tests.Support;

/// <summary>What the program does before it serves anything, without the rest: where it refuses to start, the reason can be caught.</summary>
internal static class Preparation
{
    /// <exception cref="StartupException">The site would not start.</exception>
    internal static async Task RunAsync(PostgresDatabase database, Dictionary<string, string> settings)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Configuration["ConnectionStrings:UsageLogs"] = database.ConnectionString;
        foreach (var (key, value) in settings)
            builder.Configuration[key] = value;
        builder.AddHosting();
        builder.AddDatabases();
        builder.AddRollup();
        await using var app = builder.Build();
        await app.PrepareDatabaseAsync(migrate: true, TestContext.Current.CancellationToken);
    }
}

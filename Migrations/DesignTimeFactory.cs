using Microsoft.EntityFrameworkCore.Design;
using Npgsql;
using UsageLogsSite.Data;

namespace UsageLogsSite.Migrations;

/// <summary>Lets <c>dotnet ef migrations add</c> build the model; it never connects.</summary>
public sealed class DesignTimeFactory : IDesignTimeDbContextFactory<UsageDbContext>
{
    /// <inheritdoc />
    public UsageDbContext CreateDbContext(string[] args) =>
        UsageDatabase.CreateContext(NpgsqlDataSource.Create("Host=design-time-only"));
}

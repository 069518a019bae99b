using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Migrations;
using Npgsql;

namespace UsageLogsSite.Data;

/// <summary>How a context is connected: the one place that names provider, conventions and the migrations' assembly.</summary>
public static class UsageDatabase
{
    /// <summary>The assembly that holds the schema's history.</summary>
    public const string MigrationsAssembly = "UsageLogsSite.Migrations";

    /// <summary>The tables of the model, all of them in the <see cref="DatabaseSchema"/> of a connection string.</summary>
    public static string[] Tables { get; } = TablesOfModel();

    /// <summary>Connects a context to a data source.</summary>
    /// <param name="builder">The context's options.</param>
    /// <param name="dataSource">A PostgreSQL data source; the caller keeps and disposes it.</param>
    /// <returns>The same builder.</returns>
    public static DbContextOptionsBuilder UseUsageDatabase(this DbContextOptionsBuilder builder, NpgsqlDataSource dataSource)
    {
        ArgumentNullException.ThrowIfNull(dataSource);
        var schema = DatabaseSchema.Of(dataSource.ConnectionString);
        return builder
            .UseNpgsql(dataSource, npgsql => npgsql
                .MigrationsAssembly(MigrationsAssembly)
                .MigrationsHistoryTable(HistoryRepository.DefaultTableName, schema == DatabaseSchema.Default ? null : schema))
            .ReplaceService<IMigrationsSqlGenerator, SchemaSqlGenerator>()
            .UseSnakeCaseNamingConvention()
            .UseQueryTrackingBehavior(QueryTrackingBehavior.NoTracking);
    }

    /// <summary>Makes a context outside of any container: for migrations and tools.</summary>
    /// <param name="dataSource">A PostgreSQL data source; the caller keeps and disposes it.</param>
    /// <returns>A context that the caller disposes.</returns>
    public static UsageDbContext CreateContext(NpgsqlDataSource dataSource)
    {
        var builder = new DbContextOptionsBuilder<UsageDbContext>();
        builder.UseUsageDatabase(dataSource);
        return new UsageDbContext(builder.Options);
    }

    private static string[] TablesOfModel()
    {
        using var dataSource = NpgsqlDataSource.Create("Host=never-connected");
        using var context = CreateContext(dataSource);
        return [.. context.Model.GetEntityTypes().Select(type => type.GetTableName()).OfType<string>().Distinct()];
    }
}

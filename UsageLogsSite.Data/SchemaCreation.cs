using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Storage;

namespace UsageLogsSite.Data;

/// <summary>Makes the schema that migrations fill, where it is not <c>public</c>.</summary>
public static class SchemaCreation
{
    /// <summary>Makes database and schema where they are missing.</summary>
    /// <param name="database">Connected as the owner.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="Npgsql.PostgresException">The owner may not make them.</exception>
    public static async Task EnsureAsync(UsageDbContext database, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(database);
        var schema = DatabaseSchema.Of(database.Database.GetConnectionString());
        if (schema == DatabaseSchema.Default)
            return;
        var creator = database.GetService<IRelationalDatabaseCreator>();
        if (!await creator.ExistsAsync(cancellation))
            await creator.CreateAsync(cancellation);

        // Asked first: IF NOT EXISTS wants the right to make schemas even where there is nothing to make.
        var exists = await database.Database.SqlQuery<bool>($"SELECT to_regnamespace({schema}) IS NOT NULL AS \"Value\"").SingleAsync(cancellation);
#pragma warning disable EF1002 // Names cannot be parameters; this one has small letters, digits and underscores only.
        if (!exists)
            await database.Database.ExecuteSqlRawAsync($"CREATE SCHEMA {schema}", cancellation);
#pragma warning restore EF1002
    }
}

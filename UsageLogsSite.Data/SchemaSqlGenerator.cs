using System.Text.RegularExpressions;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata;
using Microsoft.EntityFrameworkCore.Migrations;
using Microsoft.EntityFrameworkCore.Migrations.Operations;
using Npgsql.EntityFrameworkCore.PostgreSQL.Infrastructure.Internal;
using Npgsql.EntityFrameworkCore.PostgreSQL.Migrations;

namespace UsageLogsSite.Data;

/// <summary>
/// Makes the schema's history work in any schema: migrations' hand-written SQL says <c>public</c> where it must name one, as functions must
/// not look along a caller's path.
/// </summary>
#pragma warning disable EF1001 // The base class cannot be had without it.
internal sealed partial class SchemaSqlGenerator(MigrationsSqlGeneratorDependencies dependencies, INpgsqlSingletonOptions options)
    : NpgsqlMigrationsSqlGenerator(dependencies, options)
#pragma warning restore EF1001
{
    /// <inheritdoc />
    protected override void Generate(SqlOperation operation, IModel? model, MigrationCommandListBuilder builder)
    {
        var schema = DatabaseSchema.Of(Dependencies.CurrentContext.Context.Database.GetConnectionString());
        if (schema != DatabaseSchema.Default)
            operation.Sql = Public().Replace(operation.Sql, schema);
        base.Generate(operation, model, builder);
    }

    // In small letters: PUBLIC is everybody.
    [GeneratedRegex(@"\bpublic\b")]
    private static partial Regex Public();
}

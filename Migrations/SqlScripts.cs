using Microsoft.EntityFrameworkCore.Migrations;

namespace UsageLogsSite.Migrations;

/// <summary>Runs the hand-written SQL beside a migration: what EF Core's model cannot express.</summary>
internal static class SqlScripts
{
    internal static void Script(this MigrationBuilder migration, string name)
    {
        using var stream = typeof(SqlScripts).Assembly.GetManifestResourceStream(name)
            ?? throw new FileNotFoundException($"The migration script '{name}' is not embedded in the assembly.");
        using var reader = new StreamReader(stream);
        migration.Sql(reader.ReadToEnd());
    }
}

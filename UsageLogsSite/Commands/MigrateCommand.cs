using System.CommandLine;

namespace UsageLogsSite.Commands;

/// <summary><c>migrate</c>: brings the schema to what the program needs.</summary>
internal static class MigrateCommand
{
    internal static Command Create(string[] settings)
    {
        var command = new Command("migrate", "Brings the database's schema up to date.");
        command.SetAction(async (parsed, cancellation) =>
        {
            await using var host = await CommandHost.OpenAsync(settings, Schema.Migrate, cancellation);
            await parsed.InvocationConfiguration.Output.WriteLineAsync("The schema is up to date.");
            return CommandLine.Done;
        });
        return command;
    }
}

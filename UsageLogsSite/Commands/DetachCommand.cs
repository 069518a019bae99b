using System.CommandLine;
using UsageLogsSite.Attach;

namespace UsageLogsSite.Commands;

/// <summary><c>detach</c>: takes away what <c>attach</c> has made.</summary>
internal static class DetachCommand
{
    internal static Command Create(string[] settings)
    {
        var command = new Command("detach", "Takes away all that attach has put on the product's tables; what was copied stays in the site's.");
        command.SetAction(async (parsed, cancellation) =>
        {
            await using var host = await CommandHost.OpenAsync(settings, Schema.Keep, cancellation);
            await new Attachment(host.Owner, host.Time).DetachAsync(cancellation);
            await parsed.InvocationConfiguration.Output.WriteLineAsync("Detached: the product's tables are as they were before.");
            return CommandLine.Done;
        });
        return command;
    }
}

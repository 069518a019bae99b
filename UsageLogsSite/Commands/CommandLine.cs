using System.CommandLine;
using System.CommandLine.Invocation;
using UsageLogsSite.Data;
using UsageLogsSite.Hosting;

namespace UsageLogsSite.Commands;

/// <summary>The commands of the program. Without one it is the site, and its arguments are settings.</summary>
internal static class CommandLine
{
    /// <summary>The command did what it was asked to do.</summary>
    internal const int Done = 0;

    /// <summary>The command ran, and found what it looks for: totals that differ.</summary>
    internal const int Found = 1;

    /// <summary>The command could not do its work, or was not understood.</summary>
    internal const int Trouble = 2;

    private const int Interrupted = 130; // 128 + SIGINT, as shells count

    /// <summary>How long an interrupted command may take to end what it began, and to stop its PostgreSQL.</summary>
    private static readonly TimeSpan EndsWithin = TimeSpan.FromSeconds(60);

    private static readonly string[] Questions = ["--help", "-h", "-?", "/h", "/?", "--version"];

    /// <summary>Whether the arguments ask for a command, or for help, and not for the site.</summary>
    internal static bool Names(string[] args) => Split(args).Words switch
    {
        [var first, ..] when Questions.Contains(first) => true,
        [['-' or '/', ..] or "", ..] => false,
        [var first, ..] => !first.Contains('=', StringComparison.Ordinal),
        _ => false,
    };

    /// <summary>Runs the command that the arguments name.</summary>
    /// <returns>The program's exit code: <see cref="Done"/>, <see cref="Found"/>, <see cref="Trouble"/>, or 130 when interrupted.</returns>
    internal static async Task<int> RunAsync(string[] args, TextWriter output, TextWriter error)
    {
        var (words, settings) = Split(args);
        var parsed = Root(settings).Parse(words, new ParserConfiguration { ResponseFileTokenReplacer = null });
        if (parsed.Action is ParseErrorAction)
            return Refuse(parsed, error);

        try
        {
            return await parsed.InvokeAsync(new InvocationConfiguration
            {
                EnableDefaultExceptionHandler = false,
                ProcessTerminationTimeout = EndsWithin,
                Output = output,
                Error = error,
            });
        }
        catch (OperationCanceledException)
        {
            await error.WriteLineAsync("Interrupted.");
            return Interrupted;
        }
        catch (Exception e) when ((StartupException.Explain(e) ?? (DatabaseFailure.Is(e) ? $"The database failed: {e.Message}" : null)) is { } advice)
        {
            await error.WriteLineAsync(advice);
            return Trouble;
        }
    }

    private static RootCommand Root(string[] settings) => new(
        """
        Shows, live, who uses an AI product and who pays.

        Without a command the site starts: http://localhost:5080, or where --urls says.
        Settings can follow every command, as in --ConnectionStrings:UsageLogs="Host=…"; without a connection string the site's own
        PostgreSQL is used, and started where it does not run. Exit codes: 0 done, 1 differences found, 2 trouble.
        """)
    {
        MigrateCommand.Create(settings),
        SeedCommand.Create(settings),
        RetentionCommand.Create(settings),
        AttachCommand.Create(settings),
        DetachCommand.Create(settings),
        AccountsCommands.Create(settings),
        EmbedCommand.Create(settings),
        KeysCommand.Create(settings),
        HealthCommand.Create(settings),
        new Command("rollup", "Looks after the totals that pages read.")
        {
            RollupVerifyCommand.Create(settings),
            RollupRebuildCommand.Create(settings),
        },
    };

    /// <summary>Settings have a colon in their key: <c>--Section:Key=value</c> or <c>--Section:Key value</c>.</summary>
    private static (string[] Words, string[] Settings) Split(string[] args)
    {
        List<string> words = [], settings = [];
        for (var i = 0; i < args.Length; i++)
        {
            var key = args[i].Split('=')[0];
            if (!key.StartsWith("--", StringComparison.Ordinal) || !key.Contains(':', StringComparison.Ordinal))
            {
                words.Add(args[i]);
                continue;
            }

            settings.Add(args[i]);
            if (key.Length == args[i].Length && i + 1 < args.Length)
                settings.Add(args[++i]);
        }

        return ([.. words], [.. settings]);
    }

    private static int Refuse(ParseResult parsed, TextWriter error)
    {
        var command = parsed.CommandResult.Command;
        var name = command is RootCommand ? "this program" : $"'{command.Name}'";
        if (command.Subcommands.Count > 0)
        {
            var allowed = $"allowed is {string.Join(", ", command.Subcommands.Select(c => c.Name))}.";
            error.WriteLine(parsed.UnmatchedTokens is [var word, ..]
                ? $"'{word}' is not a command of {name}; {allowed}"
                : $"A command of {name} is missing; {allowed}");
        }
        else if (parsed.UnmatchedTokens is [var word, ..])
        {
            var allowed = command.Options.Where(o => !o.Hidden && !Questions.Contains(o.Name)).Select(o => o.Name).ToList();
            error.WriteLine($"'{word}' is not an option of {name}; allowed is {(allowed.Count == 0 ? "none" : string.Join(", ", allowed))}.");
        }
        else
        {
            foreach (var wrong in parsed.Errors)
                error.WriteLine(wrong.Message);
        }

        error.WriteLine("--help tells more.");
        return Trouble;
    }
}

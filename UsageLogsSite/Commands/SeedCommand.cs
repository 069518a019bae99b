using System.CommandLine;
using System.CommandLine.Parsing;
using System.Diagnostics;
using System.Globalization;
using Spectre.Console;

namespace UsageLogsSite.Commands;

/// <summary><c>seed</c>: fills the database with made-up users, logs and purchases.</summary>
internal static class SeedCommand
{
    private static readonly Option<int> Users = Number("--users", "Users to make, every twelfth internal.", 1, 10_000_000, (int n) => n);
    private static readonly Option<long> Logs = Number("--logs", "Usage logs to make, over thirteen months.", 0, 1_000_000_000, (long n) => n);
    private static readonly Option<long> Purchases = Number("--purchases", "Credit purchases to make.", 0, 100_000_000, (long n) => n);
    private static readonly Option<int?> Seed = Number("--seed", "Makes the same rows again, ids included. Default: a random one, which is shown.", 0, int.MaxValue, (int n) => (int?)n, isRequired: false);

    private static readonly Option<DateTime?> Until = new("--until")
    {
        Description = "The newest log's time, in UTC, as in 2026-01-31T12:00:00. Default: now; the times of a --seed count back from it.",
        HelpName = "time",
        CustomParser = ReadTime,
    };

    internal static Command Create(string[] settings)
    {
        var command = new Command(
            "seed",
            "Loads made-up users, logs and purchases, beside what is there and while others write. Totals are exact when it ends.")
        {
            Users, Logs, Purchases, Seed, Until,
        };
        command.SetAction(async (parsed, cancellation) =>
        {
            await using var host = await CommandHost.OpenAsync(settings, Schema.AsTheSite, cancellation);
            var now = host.Time.GetUtcNow().UtcDateTime;
            var plan = new SeedPlan(
                parsed.GetRequiredValue(Users), parsed.GetRequiredValue(Logs), parsed.GetRequiredValue(Purchases),
                parsed.GetValue(Seed) ?? Random.Shared.Next(), parsed.GetValue(Until) ?? now.AddTicks(-(now.Ticks % TimeSpan.TicksPerSecond)));
            await RunAsync(host, plan, parsed.InvocationConfiguration.Output, cancellation);
            return CommandLine.Done;
        });
        return command;
    }

    private static async Task RunAsync(CommandHost host, SeedPlan plan, TextWriter output, CancellationToken cancellation)
    {
        var start = Stopwatch.GetTimestamp();
        await output.WriteLineAsync($"Loading {plan.Users:N0} users, {plan.Logs:N0} logs, {plan.Purchases:N0} purchases: --seed {plan.Seed} --until {plan.Until:yyyy-MM-ddTHH:mm:ss}");
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(output) });
        var progress = console.Progress().HideCompleted(false).Columns(
            new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new RemainingTimeColumn());
        await new Seeder(host.Owner, host.Time, plan).LoadAsync(progress, cancellation);
        var seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        await output.WriteLineAsync($"Loaded in {seconds:0.0} s: {(plan.Users + plan.Logs + plan.Purchases) / seconds:N0} rows a second.");

        // Each row has a delta now; to make the totals anew is faster than to fold them all.
        await RollupRebuildCommand.RunAsync(host, output, cancellation);
    }

    private static Option<TValue> Number<TNumber, TValue>(string name, string description, TNumber least, TNumber most, Func<TNumber, TValue> convert, bool isRequired = true)
        where TNumber : struct, System.Numerics.INumber<TNumber> => new(name)
        {
            Description = description,
            HelpName = "n",
            Required = isRequired,
            CustomParser = argument =>
            {
                var text = argument.Tokens[0].Value;
                if (TNumber.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= least && number <= most)
                    return convert(number);
                argument.AddError($"{name} is '{text}'; allowed is a whole number from {least} to {most}.");
                return default!;
            },
        };

    private static DateTime? ReadTime(ArgumentResult argument)
    {
        var text = argument.Tokens[0].Value;
        if (DateTime.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var time) && time.Year is >= 1980 and < 2200)
            return time;
        argument.AddError($"--until is '{text}'; allowed is a time in UTC from 1980 to 2199, such as 2026-01-31T12:00:00.");
        return null;
    }
}

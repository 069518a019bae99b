using Bogus;
using UsageLogsSite.Data;

namespace UsageLogsSite.Hosting;

/// <summary>Keeps the demo alive: about one response a second, and now and then a purchase that goes from pending to completed.</summary>
internal sealed partial class DemoTraffic(Databases databases, TimeProvider time, ILogger<DemoTraffic> logger) : BackgroundService
{
    private static readonly TimeSpan PaymentTakes = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan RetryAfterFailure = TimeSpan.FromSeconds(5);

    /// <inheritdoc />
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var random = new Randomizer();
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await Task.Delay(TimeSpan.FromMilliseconds(random.Int(300, 1_700)), time, stoppingToken);
                await RespondAsync(random, stoppingToken);
                if (random.Bool(0.08f))
                    await PurchaseAsync(random, stoppingToken);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e) when (DatabaseFailure.Is(e))
            {
                LogFailed(logger, e.Message);
                await Task.Delay(RetryAfterFailure, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    private async Task RespondAsync(Randomizer random, CancellationToken cancellation)
    {
        var log = DemoData.NewLog(random, Guid.Empty, default);
        await using var command = databases.Owner!.CreateCommand("""
            INSERT INTO usage_logs (user_id, model, prompt_tokens, completion_tokens, credits, cost_usd, status)
            SELECT id, $1, $2, $3, $4, $5, $6 FROM users ORDER BY id OFFSET floor($7 * (SELECT count(*) FROM users)) LIMIT 1
            """);
        command.Parameters.AddWithValue(log.Model);
        command.Parameters.AddWithValue(log.PromptTokens);
        command.Parameters.AddWithValue(log.CompletionTokens);
        command.Parameters.AddWithValue(log.Credits);
        command.Parameters.AddWithValue(log.CostUsd);
        command.Parameters.AddWithValue(log.Status == UsageLogStatus.Succeeded ? "succeeded" : "failed");
        command.Parameters.AddWithValue(Math.Pow(random.Double(), 2));
        await command.ExecuteNonQueryAsync(cancellation);
    }

    private async Task PurchaseAsync(Randomizer random, CancellationToken cancellation)
    {
        var (amount, credits) = DemoData.NewPack(random);
        await using var insert = databases.Owner!.CreateCommand("""
            INSERT INTO credit_purchases (user_id, amount_usd, credits)
            SELECT id, $1, $2 FROM users WHERE user_type = 'external' ORDER BY random() LIMIT 1 RETURNING id
            """);
        insert.Parameters.AddWithValue(amount);
        insert.Parameters.AddWithValue(credits);
        if (await insert.ExecuteScalarAsync(cancellation) is not Guid id)
            return;

        await Task.Delay(PaymentTakes, time, cancellation);
        await using var update = databases.Owner!.CreateCommand("UPDATE credit_purchases SET status = $1 WHERE id = $2");
        update.Parameters.AddWithValue(random.Bool(0.9f) ? "completed" : "failed");
        update.Parameters.AddWithValue(id);
        await update.ExecuteNonQueryAsync(cancellation);
    }

    [LoggerMessage(3002, LogLevel.Warning, "Demo: traffic paused: {Reason}")]
    private static partial void LogFailed(ILogger logger, string reason);
}

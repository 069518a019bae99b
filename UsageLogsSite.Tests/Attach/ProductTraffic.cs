using Npgsql;
using UsageLogsSite.Tests.Support;

namespace UsageLogsSite.Tests.Attach;

/// <summary>What the product's application does, as the roles that it does it as.</summary>
internal sealed class ProductTraffic(Product product, int seed)
{
    private const string AnyUser = "(SELECT id FROM auth.users ORDER BY random() LIMIT 1)";
    private const string AnyLog = "(SELECT id FROM public.usage_logs ORDER BY random() LIMIT 1)";
    private const string AnyPurchase = "(SELECT id FROM public.credit_purchases ORDER BY random() LIMIT 1)";

    private readonly Random _random = new(seed);

    internal async Task RunAsync(int transactions, CancellationToken stopped = default)
    {
        await using var auth = await product.ConnectAsync("supabase_auth_admin");
        await using var api = await product.ConnectAsync("authenticator");
        for (var i = 0; i < transactions && !stopped.IsCancellationRequested; i++)
        {
            try
            {
                await (_random.Next(4) == 0 ? SignUpAsync(auth) : CallAsync(api));
            }
            catch (PostgresException e) when (e.SqlState is PostgresErrorCodes.ForeignKeyViolation or PostgresErrorCodes.DeadlockDetected
                or PostgresErrorCodes.InsufficientPrivilege or PostgresErrorCodes.NotNullViolation)
            {
                // The product's own quarrels: a user who was deleted meanwhile.
            }
        }
    }

    private Task SignUpAsync(NpgsqlConnection auth) => TransactAsync(auth, null, _random.Next(10) switch
    {
        < 6 => $"INSERT INTO auth.users (email, raw_user_meta_data) SELECT md5(random()::text) || '@example.test', '{{\"full_name\": \"{new string('x', _random.Next(0, 300))}\"}}' FROM generate_series(1, {_random.Next(1, 4)})",
        < 7 => "INSERT INTO auth.users (email) VALUES (NULL)",
        < 9 => $"UPDATE auth.users SET email = md5(random()::text) || '@example.test' WHERE id = {AnyUser}",
        _ => $"DELETE FROM auth.users WHERE id = {AnyUser} AND (SELECT count(*) FROM auth.users) > 3",
    });

    private Task CallAsync(NpgsqlConnection api)
    {
        var cost = $"{_random.Next(0, 100)}.{_random.Next(0, 1_000_000):D6}";
        var back = $"now() - interval '{_random.Next(0, 90)} days'";
        return _random.Next(20) switch
        {
            < 7 => TransactAsync(api, "authenticated", $"INSERT INTO public.usage_logs (user_id, model, input_tokens, output_tokens, cost) SELECT auth.uid(), 'm', {_random.Next(1000)}, NULL, {cost} FROM generate_series(1, {_random.Next(1, 5)})"),
            < 9 => TransactAsync(api, "service_role", $"INSERT INTO public.usage_logs (user_id, cost, success, inserted_at) VALUES ((SELECT user_id FROM public.usage_logs ORDER BY random() LIMIT 1), {cost}, false, {back})"),
            < 10 => TransactAsync(api, "service_role", "INSERT INTO public.usage_logs (user_id, model) VALUES (NULL, 'nobody')"),
            < 12 => TransactAsync(api, "service_role", $"UPDATE public.usage_logs SET cost = {cost}, success = NOT success WHERE id = {AnyLog}"),
            < 13 => TransactAsync(api, "service_role", $"UPDATE public.usage_logs SET inserted_at = {back} WHERE id = {AnyLog}"),
            < 14 => TransactAsync(api, "service_role", $"UPDATE public.usage_logs SET id = id + 1000000 WHERE id = {AnyLog} AND id < 1000000"),
            < 16 => TransactAsync(api, "service_role", $"DELETE FROM public.usage_logs WHERE id = {AnyLog}"),
            < 18 => TransactAsync(api, "service_role", $"INSERT INTO public.credit_purchases (user_id, amount_cents, credits, status) SELECT user_id, {_random.Next(100, 9999)}, 10, '{(_random.Next(2) == 0 ? "paid" : "open")}' FROM public.usage_logs WHERE user_id IS NOT NULL LIMIT 1"),
            < 19 => TransactAsync(api, "service_role", $"UPDATE public.credit_purchases SET status = '{(_random.Next(2) == 0 ? "paid" : "refunded")}' WHERE id = {AnyPurchase}"),
            _ when _random.Next(30) == 0 => TransactAsync(api, "service_role", "TRUNCATE public.usage_logs"),
            _ => TransactAsync(api, "service_role", $"DELETE FROM public.credit_purchases WHERE id = {AnyPurchase}"),
        };
    }

    private async Task TransactAsync(NpgsqlConnection connection, string? role, string sql)
    {
        await using var transaction = await connection.BeginTransactionAsync(PostgresDatabase.Cancellation);
        var claim = role == "authenticated" ? await product.Database.ScalarAsync<Guid>("SELECT id FROM auth.users ORDER BY random() LIMIT 1") : Guid.Empty;
        var before = role is null ? "" : $"SET LOCAL ROLE {role}; SET LOCAL request.jwt.claim.sub = '{claim}';";
        await using (var command = new NpgsqlCommand($"{before} {sql}", connection))
            await command.ExecuteNonQueryAsync(PostgresDatabase.Cancellation);
        if (_random.Next(8) == 0)
            await transaction.RollbackAsync(PostgresDatabase.Cancellation);
        else
            await transaction.CommitAsync(PostgresDatabase.Cancellation);
    }
}

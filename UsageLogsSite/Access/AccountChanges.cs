using UsageLogsSite.Data;
using UsageLogsSite.Filters;

namespace UsageLogsSite.Access;

/// <summary>What owners and the operator do to accounts, written down.</summary>
internal sealed class AccountChanges(Accounts accounts, Audit audit)
{
    /// <summary>Makes an account.</summary>
    /// <param name="http">The owner's request; null for a command of the operator.</param>
    /// <param name="email">Its address.</param>
    /// <param name="role">What it may see and do.</param>
    /// <param name="user">For a member: the product's user, by id or e-mail address; null or empty for none.</param>
    /// <param name="password">Its first password.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="AccountException">It is not allowed; the message says why.</exception>
    internal async Task<Account> AddAsync(HttpContext? http, string email, AccountRole role, string? user, string password, CancellationToken cancellation)
    {
        var account = await accounts.AddAsync(email, role, await UserOfAsync(role, user, cancellation), password);
        await WriteAsync(http, AuditAction.AddedAccount, account, Describe(account), cancellation);
        return account;
    }

    /// <summary>Changes what an account may see and do; nothing is written down where nothing changes.</summary>
    /// <exception cref="AccountException">It is not allowed; the message says why.</exception>
    internal async Task ChangeAsync(HttpContext? http, Guid id, AccountRole role, string? user, bool isDisabled, CancellationToken cancellation)
    {
        var userId = await UserOfAsync(role, user, cancellation);
        await ChangeAsync(http, id, account => (account.Role, account.UserId, account.IsDisabled) = (role, userId, isDisabled), cancellation);
    }

    /// <summary>Refuses an account from now on, or lets it sign in again, as a command of the operator.</summary>
    /// <exception cref="AccountException">It is not allowed; the message says why.</exception>
    internal Task SwitchAsync(Guid id, bool isDisabled, CancellationToken cancellation) =>
        ChangeAsync(http: null, id, account => account.IsDisabled = isDisabled, cancellation);

    private async Task ChangeAsync(HttpContext? http, Guid id, Action<Account> change, CancellationToken cancellation)
    {
        var (before, after) = ("", "");
        Account? changed = null;
        await accounts.ChangeAsync(
            id,
            account =>
            {
                (changed, before) = (account, Describe(account));
                change(account);
                after = Describe(account);
            },
            cancellation);
        if (before != after)
            await WriteAsync(http, AuditAction.ChangedAccount, changed!, $"{before} → {after}", cancellation);
    }

    /// <summary>Gives an account another password and ends its sessions.</summary>
    /// <returns>Its e-mail address.</returns>
    /// <exception cref="AccountException">It is not allowed; the message says why.</exception>
    internal async Task<string> ResetPasswordAsync(HttpContext? http, Guid id, string password, CancellationToken cancellation)
    {
        var account = await FindAsync(id);
        await accounts.ResetPasswordAsync(account, password, but: null, cancellation);
        await WriteAsync(http, AuditAction.ChangedAccount, account, "a new password", cancellation);
        return account.Email ?? "";
    }

    /// <summary>Ends the sessions of an account.</summary>
    /// <returns>Its e-mail address.</returns>
    /// <exception cref="AccountException">There is no such account.</exception>
    internal async Task<string> EndSessionsAsync(HttpContext? http, Guid id, CancellationToken cancellation)
    {
        var account = await FindAsync(id);
        var count = await accounts.EndSessionsAsync(id, cancellation);
        await WriteAsync(http, AuditAction.ChangedAccount, account, $"signed out of {count} browsers", cancellation);
        return account.Email ?? "";
    }

    private async Task<Account> FindAsync(Guid id) => await accounts.FindAsync(id) ?? throw new AccountException("There is no such account.");

    private async Task<Guid?> UserOfAsync(AccountRole role, string? user, CancellationToken cancellation)
    {
        if (string.IsNullOrWhiteSpace(user))
            return null;
        if (role != AccountRole.Member)
            throw new AccountException("Only members are linked to a user: owners and analysts see everything.");
        return await accounts.FindUserAsync(user.Trim(), cancellation) ?? throw new AccountException($"There is no user with the id or e-mail address '{user}'.");
    }

    private static string Describe(Account account) =>
        Names.Of(account.Role) + (account.UserId is { } user ? $" of {user}" : "") + (account.IsDisabled ? ", disabled" : "");

    private Task WriteAsync(HttpContext? http, AuditAction action, Account account, string detail, CancellationToken cancellation) =>
        audit.WriteAsync(http, action, account.Id.ToString(), $"{account.Email}: {detail}", cancellation);
}

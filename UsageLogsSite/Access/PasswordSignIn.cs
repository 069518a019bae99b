using Microsoft.AspNetCore.Identity;
using Microsoft.EntityFrameworkCore;
using UsageLogsSite.Data;

namespace UsageLogsSite.Access;

/// <summary>
/// Checks e-mail address and password. From outside all refusals are the same and take as long, so that nobody learns who has an account.
/// </summary>
internal sealed class PasswordSignIn(UserManager<Account> accounts, UsageDbContext database, TimeProvider time)
{
    /// <summary>The fewest characters of a password; there are no rules of composition (NIST SP 800-63B, section 3.1.1.2).</summary>
    internal const int ShortestPassword = 12;

    /// <summary>Longer ones are refused before they cost anything.</summary>
    internal const int LongestPassword = 200;

    /// <summary>Failures after which an account is locked.</summary>
    internal const int MostFailures = 5;

    /// <summary>For how long.</summary>
    internal static readonly TimeSpan LockOut = TimeSpan.FromMinutes(15);

    private static readonly Account Nobody = new();
    private static readonly string NobodysHash = new PasswordHasher<Account>().HashPassword(Nobody, Guid.NewGuid().ToString());

    /// <summary>Finds the account that may sign in with these.</summary>
    internal async Task<(Account? Account, SignInOutcome Outcome)> CheckAsync(string email, string password, CancellationToken cancellation)
    {
        var account = email.Contains('\0', StringComparison.Ordinal) ? null : await accounts.FindByEmailAsync(email);
        var isLast = await CountAsync(account ?? Nobody, cancellation);
        var verdict = accounts.PasswordHasher.VerifyHashedPassword(account ?? Nobody, account?.PasswordHash ?? NobodysHash, password);
        if (account is null)
            return (null, SignInOutcome.Unknown);
        if (isLast is not { } isOneTooMany)
            return (account, SignInOutcome.Locked);
        if (verdict == PasswordVerificationResult.Failed || account.PasswordHash is null)
            return (account, isOneTooMany ? SignInOutcome.LockedNow : SignInOutcome.Wrong);

        await ForgiveAsync(account, cancellation);
        return (account, account.IsDisabled ? SignInOutcome.Disabled : SignInOutcome.Right);
    }

    /// <summary>Counts an attempt before the password is looked at: however many come at once, no more are tried than are allowed.</summary>
    /// <returns>Whether this one, if it fails, was one too many; null while the account is locked.</returns>
    private async Task<bool?> CountAsync(Account account, CancellationToken cancellation)
    {
        var now = time.GetUtcNow();
        var counted = await database.Database.SqlQuery<bool>(
            $"""
            UPDATE accounts SET
                lockout_end = CASE WHEN access_failed_count + 1 >= {MostFailures} THEN {now + LockOut} END,
                access_failed_count = CASE WHEN access_failed_count + 1 >= {MostFailures} THEN 0 ELSE access_failed_count + 1 END
            WHERE id = {account.Id} AND (lockout_end IS NULL OR lockout_end <= {now})
            RETURNING lockout_end IS NOT NULL
            """).ToListAsync(cancellation);
        return counted is [var isLast] ? isLast : null;
    }

    // Only a password that is right comes here.
    private Task<int> ForgiveAsync(Account account, CancellationToken cancellation) => database.Accounts.Where(a => a.Id == account.Id).ExecuteUpdateAsync(
        set => set.SetProperty(a => a.LockoutEnd, (DateTimeOffset?)null).SetProperty(a => a.AccessFailedCount, 0), cancellation);
}

/// <summary>How an attempt to sign in ended; told to the audit log, never to who tried.</summary>
internal enum SignInOutcome
{
    /// <summary>E-mail and password are right.</summary>
    Right,

    /// <summary>No account has this e-mail address.</summary>
    Unknown,

    /// <summary>The password is wrong.</summary>
    Wrong,

    /// <summary>The password is wrong, once too often: the account is locked from now on.</summary>
    LockedNow,

    /// <summary>The account is locked.</summary>
    Locked,

    /// <summary>The account is disabled.</summary>
    Disabled,
}

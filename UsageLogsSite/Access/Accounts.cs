using System.Security.Cryptography;
using Microsoft.AspNetCore.Identity;
using Microsoft.EntityFrameworkCore;
using Npgsql;
using UsageLogsSite.Data;

namespace UsageLogsSite.Access;

/// <summary>Makes and changes accounts. One of them always remains an owner that can sign in.</summary>
internal sealed class Accounts(UserManager<Account> identity, UsageDbContext database)
{
    /// <summary>Letters and digits that are not taken for one another.</summary>
    private const string Syllables = "abcdefghijkmnpqrstuvwxyz23456789";

    /// <summary>Characters of the longest e-mail address: Identity's columns hold no more.</summary>
    internal const int LongestEmail = 256;

    /// <summary>All accounts, by e-mail address.</summary>
    internal Task<List<Account>> ListAsync(CancellationToken cancellation) => database.Accounts.AsNoTracking().OrderBy(a => a.NormalizedEmail).ToListAsync(cancellation);

    /// <summary>The account of an e-mail address; null for none.</summary>
    internal async Task<Account?> FindAsync(string email) => email.Contains('\0', StringComparison.Ordinal) ? null : await identity.FindByEmailAsync(email);

    /// <summary>The account of an id; null for none.</summary>
    internal Task<Account?> FindAsync(Guid id) => identity.FindByIdAsync(id.ToString());

    /// <summary>The id of the product's user whose id or e-mail address it is; null for none.</summary>
    internal async Task<Guid?> FindUserAsync(string idOrEmail, CancellationToken cancellation)
    {
        if (idOrEmail.Contains('\0', StringComparison.Ordinal))
            return null;
        var users = Guid.TryParse(idOrEmail, out var id) ? database.Users.Where(u => u.Id == id) : database.Users.Where(u => u.Email == idOrEmail);
        return await users.Select(u => (Guid?)u.Id).FirstOrDefaultAsync(cancellation);
    }

    /// <summary>Makes an account.</summary>
    /// <param name="email">Its address, which is its name too.</param>
    /// <param name="role">What it may see and do.</param>
    /// <param name="userId">Whose usage a member sees.</param>
    /// <param name="password">Null if it signs in by other means only.</param>
    /// <exception cref="AccountException">It is not allowed; the message says why.</exception>
    internal async Task<Account> AddAsync(string email, AccountRole role, Guid? userId, string? password)
    {
        if (AdminOptions.Refuse(email) is { } wrong)
            throw new AccountException($"The e-mail address {wrong}");
        var account = new Account { UserName = email, Email = email, Role = role, UserId = userId };
        try
        {
            Must(password is null ? await identity.CreateAsync(account) : await identity.CreateAsync(account, password));
        }
        catch (DbUpdateException e) when (e.InnerException is PostgresException { SqlState: PostgresErrorCodes.UniqueViolation })
        {
            database.ChangeTracker.Clear();
            throw new AccountException($"There is an account of {email} already.");
        }

        return account;
    }

    /// <summary>Changes what an account may see and do. Disabling ends its sessions.</summary>
    /// <exception cref="AccountException">It is not allowed; the message says why.</exception>
    internal async Task ChangeAsync(Guid id, Action<Account> change, CancellationToken cancellation)
    {
        await using var transaction = await database.Database.BeginTransactionAsync(cancellation);

        // One at a time: two owners who take each other's rights must not both succeed.
        await database.Database.ExecuteSqlAsync($"SELECT pg_advisory_xact_lock(hashtext('usage accounts'))", cancellation);
        database.ChangeTracker.Clear();
        var account = await database.Accounts.SingleOrDefaultAsync(a => a.Id == id, cancellation) ?? throw new AccountException("There is no such account.");
        var wasOwner = IsActiveOwner(account);
        change(account);
        if (wasOwner && !IsActiveOwner(account) && !await database.Accounts.AnyAsync(a => a.Id != id && a.Role == AccountRole.Owner && !a.IsDisabled, cancellation))
            throw new AccountException("This is the last owner who can sign in. Make another one first.");
        if (account.IsDisabled)
            await database.Sessions.Where(s => s.AccountId == id).ExecuteDeleteAsync(cancellation);
        Must(await identity.UpdateAsync(account));
        await transaction.CommitAsync(cancellation);
    }

    /// <summary>Sets a password, forgives failures and ends all sessions.</summary>
    /// <param name="account">Whose.</param>
    /// <param name="password">The new one.</param>
    /// <param name="but">The session that stays, as in <see cref="Visitor.SessionId"/>; null for none.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="AccountException">The password is not allowed; the message says why.</exception>
    internal async Task ResetPasswordAsync(Account account, string password, string? but, CancellationToken cancellation)
    {
        foreach (var validator in identity.PasswordValidators)
            Must(await validator.ValidateAsync(identity, account, password));
        account.PasswordHash = identity.PasswordHasher.HashPassword(account, password);
        account.LockoutEnd = null;
        account.AccessFailedCount = 0;
        var kept = but is null ? [] : Convert.FromBase64String(but);
        await using var transaction = await database.Database.BeginTransactionAsync(cancellation);
        Must(await identity.UpdateSecurityStampAsync(account));
        await database.Sessions.Where(s => s.AccountId == account.Id && s.Id != kept).ExecuteDeleteAsync(cancellation);
        await transaction.CommitAsync(cancellation);
    }

    /// <summary>Ends all sessions of an account.</summary>
    /// <returns>How many.</returns>
    internal Task<int> EndSessionsAsync(Guid id, CancellationToken cancellation) => database.Sessions.Where(s => s.AccountId == id).ExecuteDeleteAsync(cancellation);

    /// <summary>A password to be told once and changed soon.</summary>
    internal static string NewPassword() => string.Join('-', RandomNumberGenerator.GetString(Syllables, 20).Chunk(5).Select(c => new string(c)));

    /// <summary>Makes an owner with this password, or gives an account both. What is so already is left alone, sessions too.</summary>
    internal async Task EnsureOwnerAsync(string email, string password, CancellationToken cancellation)
    {
        var account = await FindAsync(email);
        if (account is null)
        {
            try
            {
                await AddAsync(email, AccountRole.Owner, userId: null, password);
                return;
            }
            catch (AccountException) when (!cancellation.IsCancellationRequested)
            {
                // Another instance that starts too may have been quicker.
                account = await FindAsync(email);
                if (account is null)
                    throw;
            }
        }

        if (!IsActiveOwner(account))
        {
            await ChangeAsync(account.Id, a => (a.Role, a.UserId, a.IsDisabled) = (AccountRole.Owner, null, false), cancellation);
            account = (await FindAsync(email))!;
        }

        if (account.PasswordHash is null || identity.PasswordHasher.VerifyHashedPassword(account, account.PasswordHash, password) == PasswordVerificationResult.Failed)
            await ResetPasswordAsync(account, password, but: null, cancellation);
    }

    private static bool IsActiveOwner(Account account) => account is { Role: AccountRole.Owner, IsDisabled: false };

    private static void Must(IdentityResult result)
    {
        if (!result.Succeeded)
            throw new AccountException(string.Join(' ', result.Errors.Where(e => e.Code != "DuplicateUserName").Select(e => e.Description)));
    }
}

/// <summary>An account cannot be made or changed so: the message, for people, says why.</summary>
internal sealed class AccountException(string message) : Exception(message);

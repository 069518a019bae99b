using System.Security.Claims;
using Microsoft.AspNetCore.Identity;
using Microsoft.Extensions.Options;
using UsageLogsSite.Data;

namespace UsageLogsSite.Access;

/// <summary>
/// Finds the account of somebody whom the identity provider knows: the one that they signed in with before, else that of their e-mail
/// address, if the provider has verified it. From then on the provider's own id counts, as addresses change hands.
/// </summary>
internal sealed class ProviderSignIn(UserManager<Account> identity, Accounts accounts, IOptions<ProviderOptions> options, Audit audit)
{
    /// <summary>Finds the account, and links it.</summary>
    /// <param name="http">The browser's request.</param>
    /// <param name="person">What the provider says.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <returns>Null if nobody may sign in; the audit log says why.</returns>
    internal async Task<Account?> FindAsync(HttpContext http, ClaimsPrincipal person, CancellationToken cancellation)
    {
        var (issuer, subject) = (person.FindFirstValue("iss") ?? person.FindFirst("sub")?.Issuer ?? "", person.FindFirstValue("sub") ?? "");
        var email = person.FindFirstValue("email") ?? "";
        var account = await identity.FindByLoginAsync(issuer, subject);
        if (account is null)
        {
            var isVerified = string.Equals(person.FindFirstValue("email_verified"), "true", StringComparison.OrdinalIgnoreCase);
            account = isVerified ? await accounts.FindAsync(email) ?? await CreateAsync(http, email, cancellation) : null;
            if (account is null)
                return await RefuseAsync(http, null, email, isVerified ? "no account of that address" : "the provider has not verified the address", cancellation);
            if (!account.IsDisabled)
                await identity.AddLoginAsync(account, new UserLoginInfo(issuer, subject, options.Value.Name));
        }

        return account.IsDisabled ? await RefuseAsync(http, account, email, "the account is disabled", cancellation) : account;
    }

    // The user of the same address is theirs: the provider has verified that it is.
    private async Task<Account?> CreateAsync(HttpContext http, string email, CancellationToken cancellation)
    {
        if (!options.Value.CreateMembers)
            return null;
        try
        {
            var account = await accounts.AddAsync(email, AccountRole.Member, await accounts.FindUserAsync(email, cancellation), password: null);
            await audit.WriteAsync(http, null, email, AuditAction.AddedAccount, account.Id.ToString(), $"{email}: member, by its first sign-in with the identity provider", cancellation);
            return account;
        }
        catch (AccountException)
        {
            return null;
        }
    }

    private async Task<Account?> RefuseAsync(HttpContext http, Account? account, string email, string why, CancellationToken cancellation)
    {
        await audit.WriteAsync(http, account?.Id, email, AuditAction.SignInFailed, "", $"by the identity provider: {why}", cancellation);
        return null;
    }
}

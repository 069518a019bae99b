using Microsoft.AspNetCore.Identity;

namespace UsageLogsSite.Data;

/// <summary>Somebody who may sign in to this site. Not a <see cref="User"/>, who uses the operator's product and may have no account here.</summary>
public sealed class Account : IdentityUser<Guid>
{
    /// <summary>What the account may see and do.</summary>
    public AccountRole Role { get; set; }

    /// <summary>
    /// Whose usage a <see cref="AccountRole.Member"/> sees; null for the others. No foreign key: truncating the product's users must not
    /// take accounts along, and whose user is gone sees nothing.
    /// </summary>
    public Guid? UserId { get; set; }

    /// <summary>Whether signing in is refused, and open sessions are over.</summary>
    public bool IsDisabled { get; set; }

    /// <summary>When the account was made, in UTC.</summary>
    public DateTime CreatedAt { get; set; }
}

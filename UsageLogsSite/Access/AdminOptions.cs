using System.ComponentModel.DataAnnotations;

namespace UsageLogsSite.Access;

/// <summary>The first owner, made or reset when the site starts: section <c>Admin</c> of the settings. Both or neither.</summary>
internal sealed class AdminOptions : IValidatableObject
{
    /// <summary>The owner's e-mail address; null for none.</summary>
    public string? Email { get; set; }

    /// <summary>The owner's password; null for none.</summary>
    public string? Password { get; set; }

    /// <summary>Says what is wrong with an e-mail address of an account; null for nothing.</summary>
    internal static string? Refuse(string email) =>
        email.Length <= Accounts.LongestEmail && new EmailAddressAttribute().IsValid(email) && !email.Any(c => char.IsWhiteSpace(c) || char.IsControl(c))
            ? null
            : $"is '{email}'; allowed is an e-mail address of at most {Accounts.LongestEmail} characters.";

    /// <inheritdoc />
    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (string.IsNullOrEmpty(Email) != string.IsNullOrEmpty(Password))
            yield return new ValidationResult($"Admin:{(string.IsNullOrEmpty(Email) ? "Email" : "Password")} is missing; give Admin:Email and Admin:Password, or neither.");
        if (Email is { Length: > 0 } && Refuse(Email) is { } wrong)
            yield return new ValidationResult($"Admin:Email {wrong}");
        if (Password is { Length: > 0 and (< PasswordSignIn.ShortestPassword or > PasswordSignIn.LongestPassword) })
            yield return new ValidationResult(
                $"Admin:Password has {Password.Length} characters; allowed are {PasswordSignIn.ShortestPassword} to {PasswordSignIn.LongestPassword}, any.");
    }
}

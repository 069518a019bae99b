using System.ComponentModel.DataAnnotations;

namespace UsageLogsSite.Access;

/// <summary>An identity provider that people may sign in with (OpenID Connect): section <c>OpenIdConnect</c> of the settings. Off without an authority.</summary>
internal sealed class ProviderOptions : IValidatableObject
{
    /// <summary>The provider's address, below which its discovery document is; null for no provider.</summary>
    public string? Authority { get; set; }

    /// <summary>What this site is called there.</summary>
    public string? ClientId { get; set; }

    /// <summary>The site's secret; null for a public client, which PKCE protects.</summary>
    public string? ClientSecret { get; set; }

    /// <summary>What the button says after "Sign in with".</summary>
    [StringLength(60)]
    public string Name { get; set; } = "single sign-on";

    /// <summary>Whether who has a verified e-mail address there, and no account here, gets one as a member.</summary>
    public bool CreateMembers { get; set; }

    /// <summary>Whether there is a provider.</summary>
    internal bool IsOn => !string.IsNullOrEmpty(Authority);

    /// <inheritdoc />
    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (string.IsNullOrEmpty(Authority) != string.IsNullOrEmpty(ClientId))
            yield return new ValidationResult($"OpenIdConnect:{(IsOn ? "ClientId" : "Authority")} is missing; give OpenIdConnect:Authority and OpenIdConnect:ClientId, or neither.");
        if (IsOn && !(Uri.TryCreate(Authority, UriKind.Absolute, out var address) && (address.Scheme == "https" || (address.Scheme == "http" && address.IsLoopback))))
            yield return new ValidationResult($"OpenIdConnect:Authority is {Authority}; allowed is an https address, such as https://login.example.com.");
    }
}

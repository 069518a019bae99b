namespace UsageLogsSite.Access;

/// <summary>
/// How every cookie of this site is set. Outside Development its name begins with <c>__Host-</c>: browsers then take it over https only,
/// from this host only. In Development there is no https.
/// </summary>
/// <remarks>
/// <see cref="CookieBuilder.SecurePolicy"/> stays unused: antiforgery refuses requests where it says always and a proxy has taken TLS off.
/// </remarks>
internal sealed class SiteCookie : CookieBuilder
{
    private readonly bool _isSecure;

    internal SiteCookie(IHostEnvironment environment, string name)
    {
        _isSecure = !environment.IsDevelopment();
        Name = NameOf(environment, name);
        HttpOnly = true;
        SameSite = SameSiteMode.Lax;
        Path = "/";
        IsEssential = true;
    }

    /// <summary>What a cookie is called in this environment.</summary>
    internal static string NameOf(IHostEnvironment environment, string name) => environment.IsDevelopment() ? name : "__Host-" + name;

    /// <inheritdoc />
    public override CookieOptions Build(HttpContext context, DateTimeOffset expiresFrom)
    {
        var options = base.Build(context, expiresFrom);
        options.Secure = _isSecure;
        return options;
    }
}

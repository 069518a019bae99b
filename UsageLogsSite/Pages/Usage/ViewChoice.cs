namespace UsageLogsSite.Pages.Usage;

/// <summary>
/// How a reader wants the list of users in their browser. It is kept in a cookie and applied by the stylesheet, around the table: neither an
/// address nor a fragment, which others share, knows of it.
/// </summary>
/// <param name="Hidden">The columns that are not shown, by name; never that of the user.</param>
/// <param name="IsCompact">Whether rows stand close together.</param>
/// <param name="Tells">Whether new activity is told in words, now and then.</param>
/// <param name="HasKeys">Whether single keys do something.</param>
internal sealed record ViewChoice(IReadOnlySet<string> Hidden, bool IsCompact, bool Tells, bool HasKeys)
{
    /// <summary>A preference, no secret: it needs none of the protection of other cookies.</summary>
    private const string Cookie = "usage-view";

    private const string Compact = "compact";
    private const string Toast = "toast";
    private const string NoKeys = "no-keys";

    /// <summary>The columns that can be hidden.</summary>
    internal static IEnumerable<UsageColumn> Columns => UsageColumn.All.Skip(1);

    /// <summary>What was chosen in the browser that asks; of a value that nobody chose, what is understood.</summary>
    internal static ViewChoice Of(HttpRequest request)
    {
        var words = (request.Cookies[Cookie] ?? "").Split('.');
        return new ViewChoice(Columns.Select(c => c.Class).Where(words.Contains).ToHashSet(), words.Contains(Compact), words.Contains(Toast), !words.Contains(NoKeys));
    }

    /// <summary>What the menu's form says: boxes that are not ticked are not sent.</summary>
    internal static ViewChoice Of(IFormCollection form) => new(
        Columns.Select(c => c.Class).Where(name => !form["column"].Contains(name)).ToHashSet(), form["density"] == Compact, form.ContainsKey("toast"), form.ContainsKey("keys"));

    /// <summary>Remembers it in the reader's browser.</summary>
    internal void Remember(HttpContext http) => http.Response.Cookies.Append(Cookie, string.Join('.', Words()), new CookieOptions
    {
        HttpOnly = true,
        IsEssential = true,
        MaxAge = TimeSpan.FromDays(400), // as long as browsers keep any
        SameSite = SameSiteMode.Lax,
        Secure = http.Request.IsHttps,
    });

    private IEnumerable<string> Words()
    {
        foreach (var column in Hidden)
            yield return column;
        if (IsCompact)
            yield return Compact;
        if (Tells)
            yield return Toast;
        if (!HasKeys)
            yield return NoKeys;
    }
}

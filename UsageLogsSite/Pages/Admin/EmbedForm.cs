using System.Globalization;
using Microsoft.AspNetCore.WebUtilities;
using UsageLogsSite.Access;
using UsageLogsSite.Data;
using UsageLogsSite.Filters;

namespace UsageLogsSite.Pages.Admin;

/// <summary>A widget as an owner types it: what is not allowed stays in the form, beside a message that says what is.</summary>
internal sealed class EmbedForm
{
    private const int MostDays = 3_650;

    /// <summary>The form before anything is typed. What is not sent, as boxes without a check, must not come back as this.</summary>
    internal static EmbedForm New => new() { Size = "10", Columns = ["requests", "tokens", "last-activity"] };

    /// <summary>What it is called.</summary>
    public string? Name { get; set; }

    /// <summary>The id or e-mail address of the one user whose usage it shows; empty for the list of users.</summary>
    public string? User { get; set; }

    /// <summary>Whether it shows each viewer their own usage.</summary>
    public bool PerViewer { get; set; }

    /// <summary>Whose usage a list shows.</summary>
    public string? Type { get; set; }

    /// <summary>How recently the users of a list were active.</summary>
    public string? Activity { get; set; }

    /// <summary>When the usage was.</summary>
    public string? Period { get; set; }

    /// <summary>Part of a name or e-mail address.</summary>
    public string? Search { get; set; }

    /// <summary>The column that orders a list at first.</summary>
    public string? Sort { get; set; }

    /// <summary>Rows on a page.</summary>
    public string? Size { get; set; }

    /// <summary>The names of the columns.</summary>
    public string[]? Columns { get; set; }

    /// <summary>Its colours.</summary>
    public string? Theme { get; set; }

    /// <summary>The origins whose pages may frame it, one on each line.</summary>
    public string? Origins { get; set; }

    /// <summary>Days until it ends by itself; empty for never.</summary>
    public string? Days { get; set; }

    /// <summary>What of the list is shown, as far as it is allowed.</summary>
    internal UsageFilter Filter => UsageFilter.Parse(new QueryCollection(QueryHelpers.ParseQuery(Query)));

    /// <summary>Its colours, as far as they are allowed.</summary>
    internal EmbedTheme Colours => Names.Parse(Theme, EmbedTheme.Auto);

    private string Query => QueryHelpers.AddQueryString("", new Dictionary<string, string?>
    {
        ["type"] = Type ?? "",
        ["activity"] = Activity ?? "",
        ["period"] = Period ?? "",
        ["q"] = Search ?? "",
        ["sort"] = Sort ?? "",
        ["size"] = Size ?? "",
    });

    /// <summary>Whether the widget would show a column.</summary>
    internal bool Shows(string column) => Columns?.Contains(column) ?? false;

    /// <summary>The widget, which is in no table yet.</summary>
    /// <param name="accounts">Finds the user.</param>
    /// <param name="now">The time, in UTC.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="FormatException">Something is not allowed; the message says what is.</exception>
    internal async Task<Embed> ReadAsync(Accounts accounts, DateTime now, CancellationToken cancellation)
    {
        var origins = (Origins ?? "").Split(['\r', '\n'], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        if (PerViewer && !string.IsNullOrWhiteSpace(User))
            throw new FormatException("A widget for each viewer is not for one user: your server says who looks. Choose one of the two.");
        if (PerViewer)
            return NewEmbed.MakePerViewer(Name ?? "", Query, Columns ?? [], Colours, origins, Expiry(now));
        Guid? user = null;
        if (!string.IsNullOrWhiteSpace(User))
        {
            user = await accounts.FindUserAsync(User.Trim(), cancellation)
                ?? throw new FormatException($"There is no user with the id or e-mail address '{User}'.");
        }

        return NewEmbed.Make(Name ?? "", Query, user, Columns ?? [], Colours, origins, Expiry(now));
    }

    private DateTime? Expiry(DateTime now)
    {
        if (string.IsNullOrWhiteSpace(Days))
            return null;
        return int.TryParse(Days, NumberStyles.AllowLeadingWhite | NumberStyles.AllowTrailingWhite, CultureInfo.InvariantCulture, out var days) && days is >= 1 and <= MostDays
            ? now.AddDays(days)
            : throw new FormatException($"A widget ends after 1 to {MostDays} days, or never where nothing is filled in.");
    }
}

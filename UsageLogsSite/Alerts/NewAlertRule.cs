using System.Globalization;
using System.Net;
using UsageLogsSite.Data;
using UsageLogsSite.Filters;

namespace UsageLogsSite.Alerts;

/// <summary>A rule as somebody typed it.</summary>
/// <param name="Name">What they call it.</param>
/// <param name="Kind">The kind's name.</param>
/// <param name="Users"><c>all</c>, <c>internal</c> or <c>external</c>.</param>
/// <param name="User">The one user, by id or e-mail address; empty for many.</param>
/// <param name="Threshold">A number.</param>
/// <param name="Webhook">Where alerts are posted to; empty for nowhere.</param>
internal sealed record NewAlertRule(string Name, string Kind, string Users, string User, string Threshold, string Webhook)
{
    /// <summary>Nothing typed yet.</summary>
    internal static readonly NewAlertRule Empty = new("", "cost-per-hour", "all", "", "", "");

    /// <summary>A rule as its owner would type it.</summary>
    internal static NewAlertRule Of(AlertRule rule) => new(
        rule.Name, Names.Of(rule.Kind), rule.UserType is { } type ? Names.Of(type) : "all", rule.UserId?.ToString() ?? "",
        rule.Kind == AlertKind.FirstPayment ? "" : rule.Threshold.ToString("0.############", CultureInfo.InvariantCulture), rule.WebhookUrl ?? "");

    private const decimal Most = 1_000_000_000_000m;

    /// <summary>The rule, still without its user and secret.</summary>
    /// <param name="allowsPrivate">Whether webhooks may lead into the site's own network.</param>
    /// <exception cref="FormatException">Something is not allowed; the message says what is.</exception>
    internal AlertRule Make(bool allowsPrivate)
    {
        var name = Name.Trim();
        if (name.Length is 0 or > AlertRule.LongestName || name.Any(char.IsControl))
            throw new FormatException($"A rule needs a name of at most {AlertRule.LongestName} characters.");
        if (!Enum.GetValues<AlertKind>().Any(kind => Names.Of(kind) == Kind))
            throw new FormatException($"'{Kind}' is not a kind of rule.");
        if (Users is not ("all" or "internal" or "external"))
            throw new FormatException($"'{Users}' is not a group of users; allowed is all, internal or external.");
        var kind = Names.Parse<AlertKind>(Kind, default);
        return new AlertRule
        {
            Name = name,
            Kind = kind,
            UserType = User.Trim().Length > 0 || Users == "all" ? null : Names.Parse<UserType>(Users, default),
            Threshold = ThresholdOf(kind),
            WebhookUrl = Webhook.Trim() is { Length: > 0 } url ? UrlOf(url, allowsPrivate) : null,
            IsEnabled = true,
        };
    }

    private decimal ThresholdOf(AlertKind kind)
    {
        if (kind == AlertKind.FirstPayment)
            return 0;
        if (!decimal.TryParse(Threshold.Trim(), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var value))
            throw new FormatException($"'{Threshold}' is not a threshold; allowed is a number such as 12.5.");
        return kind switch
        {
            AlertKind.FailureShare when value is <= 0 or > 100 => throw new FormatException("A share is more than 0 and at most 100 percent."),
            AlertKind.Failures when value < 1 || value != decimal.Truncate(value) || value > Most => throw new FormatException("A number of failures is a whole number, 1 or more."),
            _ when value is <= 0 or > Most => throw new FormatException("A threshold is more than 0."),
            _ => value,
        };
    }

    private static string UrlOf(string text, bool allowsPrivate)
    {
        if (!Uri.TryCreate(text, UriKind.Absolute, out var uri)
            || uri.AbsoluteUri.Length > AlertRule.LongestUrl // as it is stored: a letter may become six characters
            || !(uri.Scheme == Uri.UriSchemeHttps || (uri.Scheme == Uri.UriSchemeHttp && uri.IsLoopback))
            || uri is not { UserInfo: "", Fragment: "" } || uri.IdnHost.Length == 0)
        {
            throw new FormatException($"'{text}' is no address for a webhook; allowed is https://host/path of at most {AlertRule.LongestUrl} characters, and http:// for this machine only.");
        }

        // Names are looked up when it is posted; what is plainly private is told at once.
        var isPrivate = uri.IsLoopback || (IPAddress.TryParse(uri.IdnHost.Trim('[', ']'), out var address) && !PublicAddress.Is(address));
        return isPrivate && !allowsPrivate
            ? throw new FormatException($"'{text}' leads into the site's own network, which Alerts:AllowPrivateAddresses does not allow.")
            : uri.AbsoluteUri;
    }
}

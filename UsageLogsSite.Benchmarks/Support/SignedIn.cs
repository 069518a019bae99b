using System.Collections.Concurrent;
using System.Net;
using System.Text.RegularExpressions;

namespace UsageLogsSite.Benchmarks.Support;

/// <summary>Signs in at sites under measurement, once each: all viewers of a site are one owner in one browser.</summary>
internal static partial class SignedIn
{
    internal const string Email = "owner@example.test";
    internal const string Password = "correct horse battery";

    private static readonly ConcurrentDictionary<IPEndPoint, string> Headers = new();

    /// <summary>The header line that a request to a site needs; empty for those that know no sign-in.</summary>
    internal static string HeaderFor(IPEndPoint site) => Headers.GetValueOrDefault(site, "");

    /// <summary>Signs in by the form.</summary>
    internal static async Task AtAsync(IPEndPoint site, CancellationToken cancellation)
    {
        // Its cookies are for https only, but for browsers on this machine, which this stands for.
        using var http = new HttpClient(new SocketsHttpHandler { UseCookies = false, AllowAutoRedirect = false }) { BaseAddress = new Uri($"http://{site}") };
        using var page = await http.GetAsync(new Uri("/account/sign-in", UriKind.Relative), cancellation);
        var token = Token().Match(await page.Content.ReadAsStringAsync(cancellation)).Groups[1].Value;
        http.DefaultRequestHeaders.Add("Cookie", CookieOf(page, "antiforgery"));
        using var form = new FormUrlEncodedContent([new("__RequestVerificationToken", token), new("Email", Email), new("Password", Password)]);
        using var answer = await http.PostAsync(new Uri("/account/sign-in", UriKind.Relative), form, cancellation);
        Headers[site] = $"Cookie: {CookieOf(answer, "session")}\r\n";
    }

    private static string CookieOf(HttpResponseMessage answer, string name) =>
        answer.Headers.GetValues("Set-Cookie").Single(cookie => cookie.Contains(name, StringComparison.Ordinal)).Split(';')[0];

    [GeneratedRegex("name=\"__RequestVerificationToken\" type=\"hidden\" value=\"([^\"]+)\"")]
    private static partial Regex Token();
}

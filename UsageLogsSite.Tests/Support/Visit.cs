using System.Net;
using AngleSharp.Dom;
using AngleSharp.Html.Dom;
using AngleSharp.Html.Parser;

namespace UsageLogsSite.Tests.Support;

/// <summary>
/// A browser without scripts: it keeps cookies, sends forms with what is hidden in them, and follows no redirect. It takes loopback for
/// safe, as browsers do, and so sends back cookies that are for https only.
/// </summary>
internal sealed class Visit : IDisposable
{
    private readonly HttpClient _http;
    private readonly Dictionary<string, string> _cookies = [];

    internal Visit(Uri site, string? cookie = null)
    {
        _http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false }) { BaseAddress = site };
        if (cookie?.Split('=', 2) is [var name, var value])
            _cookies[name] = value;
    }

    /// <summary>The header <c>Cookie</c> that is sent.</summary>
    internal string Cookie => string.Join("; ", _cookies.Select(c => $"{c.Key}={c.Value}"));

    /// <summary>What the site has set last, attributes included, by the cookie's name.</summary>
    internal Dictionary<string, string> SetCookies { get; } = [];

    internal async Task<HttpResponseMessage> SendAsync(HttpMethod method, string address, HttpContent? content = null, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(method, address) { Content = content };
        if (_cookies.Count > 0)
            request.Headers.Add("Cookie", Cookie);
        foreach (var (name, value) in headers)
            request.Headers.TryAddWithoutValidation(name, value);
        var response = await _http.SendAsync(request, TestContext.Current.CancellationToken);
        if (response.Headers.TryGetValues("Set-Cookie", out var cookies))
            cookies.ToList().ForEach(Keep);
        return response;
    }

    internal Task<HttpResponseMessage> GetAsync(string address, params (string Name, string Value)[] headers) => SendAsync(HttpMethod.Get, address, null, headers);

    /// <summary>The page at an address, which must be there.</summary>
    internal async Task<IHtmlDocument> PageAsync(string address)
    {
        using var response = await GetAsync(address);
        Assert.Equal((address, HttpStatusCode.OK), (address, response.StatusCode));
        return await ReadAsync(response);
    }

    /// <summary>Fills a form of a page and sends it.</summary>
    /// <param name="address">The page.</param>
    /// <param name="form">A selector of the form, or of the button in it that is pressed.</param>
    /// <param name="fields">What is typed or chosen.</param>
    internal async Task<HttpResponseMessage> SubmitAsync(string address, string form, params (string Name, string Value)[] fields)
    {
        var page = await PageAsync(address);
        var found = page.QuerySelector(form) ?? throw new InvalidOperationException($"{address} has no {form}: {page.Body!.TextContent}");
        var element = found as IHtmlFormElement ?? (IHtmlFormElement)found.Closest("form")!;
        var values = element.QuerySelectorAll<IHtmlInputElement>("input[name]")
            .Where(i => i.Type is not ("checkbox" or "radio") || i.IsChecked)
            .Select(i => (Name: i.Name!, Value: i.GetAttribute("value") ?? ""))
            .Concat(element.QuerySelectorAll<IHtmlSelectElement>("select[name]").Select(s => (Name: s.Name!, Value: s.Value ?? "")))
            .Concat(element.QuerySelectorAll<IHtmlTextAreaElement>("textarea[name]").Select(t => (Name: t.Name!, t.Value)))
            .Where(v => fields.All(f => f.Name != v.Name))
            .Concat(fields);
        if (found is IHtmlButtonElement { Name.Length: > 0 } button)
            values = values.Append((button.Name!, button.Value));
        var target = found.GetAttribute("formaction") ?? element.GetAttribute("action") ?? address;
        using var content = new FormUrlEncodedContent(values.Select(v => KeyValuePair.Create(v.Name, v.Value)));
        return await SendAsync(HttpMethod.Post, target, content);
    }

    /// <summary>Signs in by the form; it must work.</summary>
    internal async Task SignInAsync(string email, string password)
    {
        using var answer = await SubmitAsync("/account/sign-in", "main form", ("Email", email), ("Password", password));
        Assert.Equal(HttpStatusCode.Redirect, answer.StatusCode);
    }

    internal static async Task<IHtmlDocument> ReadAsync(HttpResponseMessage response) =>
        new HtmlParser().ParseDocument(await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));

    public void Dispose() => _http.Dispose();

    private void Keep(string cookie)
    {
        var (name, value) = (cookie.Split('=')[0], cookie.Split('=', 2)[1].Split(';')[0]);
        SetCookies[name] = cookie;
        if (value.Length == 0)
            _cookies.Remove(name);
        else
            _cookies[name] = value;
    }
}

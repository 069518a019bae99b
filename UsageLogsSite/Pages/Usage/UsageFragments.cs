using System.Collections.Concurrent;
using System.Globalization;
using System.IO.Compression;
using System.Runtime.CompilerServices;
using System.Text;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.Abstractions;
using Microsoft.AspNetCore.Mvc.ModelBinding;
using Microsoft.AspNetCore.Mvc.Razor;
using Microsoft.AspNetCore.Mvc.Rendering;
using Microsoft.AspNetCore.Mvc.ViewFeatures;
using UsageLogsSite.Queries;

namespace UsageLogsSite.Pages.Usage;

/// <summary>
/// The table's markup, whole and as differences from earlier views, each rendered and compressed once for all who need the same. It lives
/// as long as the view does: a filter set hands the same one to every reader until the content changes.
/// </summary>
internal sealed class UsageFragments(IRazorViewEngine views, ITempDataProvider tempData, IServiceScopeFactory scopes, PageMetrics metrics)
{
    /// <summary>No version: these have no spaces.</summary>
    private const string PageKey = "the page";

    private readonly ConditionalWeakTable<LiveView, ConcurrentDictionary<string, Lazy<Task<UsageFragment>>>> _rendered = [];

    /// <summary>The fragment of a view; whoever asks first renders it, everybody else waits for that.</summary>
    /// <param name="view">What to show.</param>
    /// <param name="shown">What the reader shows, an answer to the same filter: only what differs is rendered. Null for all.</param>
    internal Task<UsageFragment> OfAsync(LiveView view, UsageView? shown)
    {
        var fragments = _rendered.GetOrCreateValue(view);
        if (fragments.TryGetValue(KeyOf(shown), out var known))
        {
            metrics.Ready();
            return known.Value;
        }

        metrics.Rendered();
        return RenderOnceAsync(fragments, KeyOf(shown), () => RenderAsync(view, shown));
    }

    /// <summary>A reader has what there is: nothing is made for them.</summary>
    internal void SkipCurrent() => metrics.NotModified();

    /// <summary>A widget's whole page: the same for all of its readers.</summary>
    internal Task<UsageFragment> PageOfAsync(LiveView view) =>
        RenderOnceAsync(_rendered.GetOrCreateValue(view), PageKey, () => RenderAsync("/Pages/Widget/_WidgetPage.cshtml", (WidgetView)view));

    private static async Task<UsageFragment> RenderOnceAsync(
        ConcurrentDictionary<string, Lazy<Task<UsageFragment>>> fragments, string key, Func<Task<UsageFragment>> render)
    {
        try
        {
            return await fragments.GetOrAdd(key, _ => new Lazy<Task<UsageFragment>>(render)).Value;
        }
        catch
        {
            // A failure must not outlive its cause.
            fragments.TryRemove(key, out _);
            throw;
        }
    }

    private static string KeyOf(UsageView? shown) => shown?.Version ?? "";

    private Task<UsageFragment> RenderAsync(LiveView view, UsageView? shown) => view switch
    {
        UsageView table => RenderAsync("/Pages/Usage/_UsageTable.cshtml", new UsageTableModel(table, shown)),
        WidgetView widget => RenderAsync("/Pages/Widget/_WidgetTable.cshtml", widget),
        UserView user => RenderAsync("/Pages/Users/_UserUsage.cshtml", user),
        _ => throw new InvalidOperationException($"A {view.GetType().Name} has no partial."),
    };

    // Not bound to the request that came first: others wait for it too.
    private async Task<UsageFragment> RenderAsync<TModel>(string partial, TModel shown)
    {
        await using var scope = scopes.CreateAsyncScope();

        var action = new ActionContext(new DefaultHttpContext { RequestServices = scope.ServiceProvider }, new RouteData(), new ActionDescriptor());
        var found = views.GetView(executingFilePath: null, partial, isMainPage: false);
        found.EnsureSuccessful(originalLocations: null);
        await using var markup = new StringWriter();
        var model = new ViewDataDictionary<TModel>(new EmptyModelMetadataProvider(), new ModelStateDictionary()) { Model = shown };
        await found.View.RenderAsync(new ViewContext(
            action, found.View, model, new TempDataDictionary(action.HttpContext, tempData), markup, new HtmlHelperOptions()));
        return new UsageFragment(Encoding.UTF8.GetBytes(markup.ToString()));
    }
}

/// <summary>Ready bytes, in each encoding that browsers ask for.</summary>
internal sealed class UsageFragment(byte[] plain)
{
    /// <summary>The first quality that looks for matches in context: a tenth smaller than 4 at the same speed; the next ones cost milliseconds.</summary>
    private static readonly BrotliCompressionOptions BrotliQuality = new() { Quality = 5 };

    private readonly Lazy<byte[]> _brotli = new(() => Compress(plain, to => new BrotliStream(to, BrotliQuality)));
    private readonly Lazy<byte[]> _gzip = new(() => Compress(plain, to => new GZipStream(to, CompressionLevel.Optimal)));

    /// <summary>The bytes to send to a client that accepts these encodings, and the name of the one chosen; null for none.</summary>
    /// <param name="acceptEncoding">The request's header; may be empty.</param>
    internal (byte[] Bytes, string? Encoding) For(string acceptEncoding) =>
        Accepts(acceptEncoding, "br") ? (_brotli.Value, "br")
        : Accepts(acceptEncoding, "gzip") ? (_gzip.Value, "gzip")
        : (plain, null);

    // Without a list of its parts: it is read for every answer.
    private static bool Accepts(ReadOnlySpan<char> header, ReadOnlySpan<char> encoding)
    {
        foreach (var range in header.Split(','))
        {
            var offer = header[range];
            var end = offer.IndexOf(';');
            if (offer[..(end < 0 ? offer.Length : end)].Trim().SequenceEqual(encoding))
                return end < 0 || !IsZero(offer[(end + 1)..]);
        }

        return false;
    }

    /// <summary>Whether a weight (RFC 9110, section 12.4.2), such as <c>q=0.0</c>, refuses.</summary>
    private static bool IsZero(ReadOnlySpan<char> weight) =>
        double.TryParse(weight[(weight.IndexOf('=') + 1)..], NumberStyles.Float, CultureInfo.InvariantCulture, out var quality) && quality == 0;

    private static byte[] Compress(byte[] bytes, Func<Stream, Stream> compressor)
    {
        using var output = new MemoryStream();
        using (var compressing = compressor(output))
            compressing.Write(bytes);
        return output.ToArray();
    }
}

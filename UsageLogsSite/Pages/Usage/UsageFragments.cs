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
/// The table's markup, rendered and compressed once for all who see the same view. It lives as long as the view does: a filter set
/// hands the same one to every reader until the content changes.
/// </summary>
internal sealed class UsageFragments(IRazorViewEngine views, ITempDataProvider tempData, IServiceScopeFactory scopes)
{
    private const string Partial = "/Pages/Usage/_UsageTable.cshtml";

    private readonly ConditionalWeakTable<UsageView, Lazy<Task<UsageFragment>>> _rendered = [];

    /// <summary>The fragment of a view; whoever asks first renders it, everybody else waits for that.</summary>
    internal async Task<UsageFragment> OfAsync(UsageView view)
    {
        try
        {
            return await _rendered.GetValue(view, v => new Lazy<Task<UsageFragment>>(() => RenderAsync(v))).Value;
        }
        catch
        {
            // A failure must not outlive its cause.
            _rendered.Remove(view);
            throw;
        }
    }

    // Not bound to the request that came first: others wait for it too.
    private async Task<UsageFragment> RenderAsync(UsageView view)
    {
        await using var scope = scopes.CreateAsyncScope();

        var action = new ActionContext(new DefaultHttpContext { RequestServices = scope.ServiceProvider }, new RouteData(), new ActionDescriptor());
        var found = views.GetView(executingFilePath: null, Partial, isMainPage: false);
        found.EnsureSuccessful(originalLocations: null);
        await using var markup = new StringWriter();
        var model = new ViewDataDictionary<UsageView>(new EmptyModelMetadataProvider(), new ModelStateDictionary()) { Model = view };
        await found.View.RenderAsync(new ViewContext(
            action, found.View, model, new TempDataDictionary(action.HttpContext, tempData), markup, new HtmlHelperOptions()));
        return new UsageFragment(Encoding.UTF8.GetBytes(markup.ToString()));
    }
}

/// <summary>Ready bytes, in each encoding that browsers ask for.</summary>
internal sealed class UsageFragment(byte[] plain)
{
    private readonly Lazy<byte[]> _brotli = new(() => Compress(plain, to => new BrotliStream(to, CompressionLevel.Optimal)));
    private readonly Lazy<byte[]> _gzip = new(() => Compress(plain, to => new GZipStream(to, CompressionLevel.Optimal)));

    /// <summary>The bytes to send to a client that accepts these encodings, and the name of the one chosen; null for none.</summary>
    /// <param name="acceptEncoding">The request's header; may be empty.</param>
    internal (byte[] Bytes, string? Encoding) For(string acceptEncoding) =>
        Accepts(acceptEncoding, "br") ? (_brotli.Value, "br")
        : Accepts(acceptEncoding, "gzip") ? (_gzip.Value, "gzip")
        : (plain, null);

    private static bool Accepts(string header, string encoding) =>
        header.Split(',', StringSplitOptions.TrimEntries).Any(e =>
            e == encoding || (e.StartsWith(encoding + ";", StringComparison.Ordinal) && !e.Replace(" ", "", StringComparison.Ordinal).EndsWith(";q=0", StringComparison.Ordinal)));

    private static byte[] Compress(byte[] bytes, Func<Stream, Stream> compressor)
    {
        using var output = new MemoryStream();
        using (var compressing = compressor(output))
            compressing.Write(bytes);
        return output.ToArray();
    }
}

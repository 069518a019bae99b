using System.IO.Compression;
using Microsoft.AspNetCore.ResponseCompression;

namespace UsageLogsSite.Pages;

/// <summary>Compresses whole pages and files; fragments are kept compressed, assets are compressed by the build, streams never are.</summary>
/// <remarks>
/// BREACH reads a secret off the sizes of compressed answers that also repeat what the attacker chose. The antiforgery token is another text
/// in each answer; the rows are not. So a page that another site's link opened, with a query to repeat, goes out as it is: nobody else can have
/// pages of theirs asked for with the reader's cookie, which is <c>SameSite=Lax</c>.
/// </remarks>
internal static class Compression
{
    internal static void AddCompression(this IServiceCollection services)
    {
        services.AddResponseCompression(options =>
        {
            options.EnableForHttps = true;
            options.MimeTypes = ["text/html", "text/csv"];
            options.Providers.Add<Brotli>();
            options.Providers.Add<GzipCompressionProvider>();
        });

        services.Configure<GzipCompressionProviderOptions>(gzip => gzip.Level = CompressionLevel.Optimal);
    }

    internal static void UseCompression(this WebApplication app) =>
        app.UseWhen(http => http.Request.MayBeCompressed(), compressed => compressed.UseResponseCompression());

    /// <summary>Whether the size of the answer tells nothing to who made the browser ask.</summary>
    internal static bool MayBeCompressed(this HttpRequest request) =>
        !request.QueryString.HasValue || !request.Headers.TryGetValue("Sec-Fetch-Site", out var site) || site != "cross-site";

    /// <summary>The framework's own stops short of the first quality that looks for matches in context, which fragments have too.</summary>
    private sealed class Brotli : ICompressionProvider
    {
        private static readonly BrotliCompressionOptions Options = new() { Quality = 5 };

        public string EncodingName => "br";

        public bool SupportsFlush => true;

        public Stream CreateStream(Stream outputStream) => new BrotliStream(outputStream, Options, leaveOpen: true);
    }
}

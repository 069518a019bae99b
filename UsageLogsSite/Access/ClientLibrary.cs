namespace UsageLogsSite.Access;

/// <summary>
/// The scripts that come from the CDN, pinned by hash (W3C Subresource Integrity). The hashes are those of the files in the
/// npm package, of which the site serves a copy where the CDN cannot be reached.
/// </summary>
/// <param name="File">The file's path inside the package's <c>dist</c> folder.</param>
/// <param name="Integrity">The hash the browser must find.</param>
internal sealed record ClientLibrary(string File, string Integrity)
{
    internal const string Cdn = "https://cdn.jsdelivr.net/npm/htmx.org@4.0.1/dist/";

    /// <summary>In the order in which they must run.</summary>
    internal static readonly IReadOnlyList<ClientLibrary> All =
    [
        new("htmx.min.js", "sha384-Qp9rdC8H7EqOoX+nR0P3RPG2Noji+qdwJlGpfzwQJsfOpp3sGwIdSP9xO3+UlEhn"),
        new("ext/hx-sse.min.js", "sha384-v8HvucQ+ohQhMg0arboXc5049yNR46QKMjphs7YDch+Wm7zpfK5XVS01f26mQDJV"),
    ];

    /// <summary>Where the CDN has the file.</summary>
    public string Url => Cdn + File;

    /// <summary>Where the site has its copy.</summary>
    public string LocalUrl => "/lib/htmx.org/" + Path.GetFileName(File);
}

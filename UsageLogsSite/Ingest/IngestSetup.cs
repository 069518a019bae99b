using Microsoft.Extensions.Options;
using UsageLogsSite.Hosting;

namespace UsageLogsSite.Ingest;

/// <summary>Adds the API that applications write by.</summary>
internal static class IngestSetup
{
    internal static void AddIngest(this WebApplicationBuilder builder)
    {
        builder.AddSettings<IngestOptions>("Ingest");
        builder.Services.AddSingleton<ApiKeys>();
        builder.Services.AddScoped<ApiKeyChanges>();
        builder.Services.AddSingleton<IngestStore>();
        builder.Services.AddSingleton<IngestMetrics>();
        builder.Services.AddSingleton<IngestEndpoint>();
        builder.Services.AddOpenApi(document =>
        {
            document.ShouldInclude = _ => false; // pages are for people
            document.AddDocumentTransformer((described, context, _) =>
            {
                IngestDocument.Describe(described, context.ApplicationServices.GetRequiredService<IOptions<IngestOptions>>().Value);
                return Task.CompletedTask;
            });
        });
    }

    /// <summary>Nothing is there where the site has no connection to write by.</summary>
    internal static void MapIngest(this WebApplication app)
    {
        if (app.Services.GetRequiredService<Databases>().Ingest is null)
            return;
        var endpoint = app.Services.GetRequiredService<IngestEndpoint>();
        foreach (var kind in RowKind.All)
            app.MapPost(kind.Address, http => endpoint.AnswerAsync(http, kind)).ShortCircuit();
        app.MapOpenApi().ShortCircuit(); // open to everybody: it says nothing that the source does not
    }

    /// <summary>Whether a request is for this API, which has limits of its own.</summary>
    internal static bool IsIngest(HttpContext http) => HttpMethods.IsPost(http.Request.Method) && RowKind.All.Any(kind => http.Request.Path.StartsWithSegments(kind.Address, out var rest) && rest.Value is "" or "/");
}

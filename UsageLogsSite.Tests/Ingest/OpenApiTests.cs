using System.Net;
using System.Text.Json;
using Microsoft.OpenApi;
using Microsoft.OpenApi.Reader;
using UsageLogsSite.Ingest;
using UsageLogsSite.Tests.Support;

namespace UsageLogsSite.Tests.Ingest;

/// <summary>The OpenAPI document is valid, and what it says is so.</summary>
public sealed class OpenApiTests(PostgresCluster cluster) : SiteTest(cluster)
{
    [Fact]
    public async Task The_document_is_valid_and_describes_this_api_and_no_page()
    {
        await using var site = await Site.StartBusyAsync(Database);
        var document = await ReadAsync(site);
        Assert.Equal(RowKind.All.Select(kind => kind.Address).Order(StringComparer.Ordinal), document.Paths.Keys.Order(StringComparer.Ordinal));
        var scheme = Assert.Single(document.Components!.SecuritySchemes!).Value;
        Assert.Equal((SecuritySchemeType.Http, "bearer"), (scheme.Type, scheme.Scheme));
        foreach (var kind in RowKind.All)
        {
            var operation = document.Paths[kind.Address].Operations![HttpMethod.Post];
            Assert.Single(operation.Security!);
            Assert.Equal("Idempotency-Key", operation.Parameters!.Single().Name);
            Assert.Equal(["200", "201", "400", "401", "403", "409", "413", "415", "422", "429", "503"], operation.Responses!.Keys.Order(StringComparer.Ordinal));
            Assert.Contains("Retry-After", operation.Responses["429"].Headers!.Keys);
            Assert.Contains("WWW-Authenticate", operation.Responses["401"].Headers!.Keys);
            var row = document.Components.Schemas![kind.Name];
            Assert.Equal(kind.Fields.Select(f => f.Name).Concat(["id", "user_id", "created_at"]).Order(StringComparer.Ordinal), row.Properties!.Keys.Order(StringComparer.Ordinal));
        }
    }

    [Fact]
    public async Task Its_examples_are_taken()
    {
        await Database.ExecuteAsync("INSERT INTO users (id, email) VALUES ($1, 'ann@example.test')", IngestDocument.ExampleUser);
        await using var site = await Site.StartBusyAsync(Database);
        using var shop = await Sender.CreateAsync(site);
        var document = await ReadAsync(site);
        foreach (var (address, path) in document.Paths)
        {
            var content = path.Operations![HttpMethod.Post].RequestBody!.Content!;
            (await shop.PostAsync(content[MediaTypes.Json].Example!.ToJsonString(), address)).Took(1, 0);
            (await shop.PostAsync(content[MediaTypes.Lines].Example!.GetValue<string>(), address, MediaTypes.Lines)).Took(0, 1);
        }
    }

    [Fact]
    public async Task What_it_requires_and_bounds_is_required_and_bounded()
    {
        await Database.ExecuteAsync("INSERT INTO users (id, email) VALUES ($1, 'ann@example.test')", IngestDocument.ExampleUser);
        await using var site = await Site.StartBusyAsync(Database);
        using var shop = await Sender.CreateAsync(site);
        var document = await ReadAsync(site);
        foreach (var kind in RowKind.All)
        {
            var schema = document.Components!.Schemas![kind.Name];
            foreach (var (name, property) in schema.Properties!)
            {
                var example = IngestDocument.ExampleOf(kind);
                example.Remove("id");
                example.Remove(name);
                var isRefused = (await shop.PostAsync(example.ToJsonString(), kind.Address)).Status == HttpStatusCode.UnprocessableEntity;
                Assert.Equal((name, schema.Required!.Contains(name)), (name, isRefused));
                foreach (var wrong in Beyond(property))
                {
                    example[name] = System.Text.Json.Nodes.JsonNode.Parse(wrong);
                    (await shop.PostAsync(example.ToJsonString(), kind.Address)).Refused(HttpStatusCode.UnprocessableEntity, "invalid-rows");
                }
            }
        }
    }

    private static IEnumerable<string> Beyond(IOpenApiSchema property)
    {
        if (property.Minimum is not null)
            yield return "-1";
        if (property.Maximum is not null)
            yield return property.Maximum + "0";
        if (property.ExclusiveMaximum is not null)
            yield return property.ExclusiveMaximum;
        if (property.MaxLength is { } longest)
            yield return JsonSerializer.Serialize(new string('x', longest + 1));
        if (property.Enum is { Count: > 0 })
            yield return "\"something else\"";
    }

    private static async Task<OpenApiDocument> ReadAsync(Site site)
    {
        using var nobody = site.ClientOf(cookie: null);
        await using var json = await nobody.GetStreamAsync(new Uri("/openapi/v1.json", UriKind.Relative), Cancellation);
        var read = await OpenApiDocument.LoadAsync(json, OpenApiConstants.Json, new OpenApiReaderSettings(), Cancellation);
        Assert.Empty(read.Diagnostic!.Errors);
        Assert.Empty(read.Diagnostic.Warnings);
        return read.Document!;
    }
}

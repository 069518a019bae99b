using System.Text.Json.Nodes;
using Microsoft.OpenApi;

namespace UsageLogsSite.Ingest;

/// <summary>Describes the API in OpenAPI. Fields, limits and examples are those that requests are checked by.</summary>
internal static class IngestDocument
{
    /// <summary>The user of the examples.</summary>
    internal static readonly Guid ExampleUser = new("01975f6e-5e5a-7c43-9a77-0d1f5c1f3f11");

    private const string KeyScheme = "api-key";
    private const string AnswerSchema = "answer";
    private const string ProblemSchema = "problem";

    /// <summary>Writes all of it.</summary>
    internal static void Describe(OpenApiDocument document, IngestOptions limits)
    {
        document.Info = new OpenApiInfo
        {
            Title = "Usage logs: ingest",
            Version = "1",
            Description = "Applications write usage logs and purchases of credits. A request is carried out as a whole or not at all.",
        };
        document.Components ??= new OpenApiComponents();
        document.Components.SecuritySchemes = new Dictionary<string, IOpenApiSecurityScheme>
        {
            [KeyScheme] = new OpenApiSecurityScheme { Type = SecuritySchemeType.Http, Scheme = "bearer", Description = $"An API key: it begins with {ApiKeys.Prefix}. Owners make keys at /admin/keys." },
        };
        document.Components.Schemas = RowKind.All.ToDictionary(kind => kind.Name, IOpenApiSchema (kind) => RowSchema(kind));
        document.Components.Schemas[AnswerSchema] = Answer();
        document.Components.Schemas[ProblemSchema] = Problem();
        document.Paths = [];
        foreach (var kind in RowKind.All)
            document.Paths[kind.Address] = new OpenApiPathItem { Operations = new() { [HttpMethod.Post] = Operation(document, kind, limits) } };
    }

    /// <summary>A row of a kind that is allowed.</summary>
    internal static JsonObject ExampleOf(RowKind kind)
    {
        var example = new JsonObject { ["id"] = "order-1", ["user_id"] = ExampleUser.ToString(), ["created_at"] = "2026-11-24T09:30:00Z" };
        foreach (var field in kind.Fields)
            example[field.Name] = JsonValueOf(field.Schema.Example);
        return example;
    }

    private static OpenApiOperation Operation(OpenApiDocument document, RowKind kind, IngestOptions limits) => new()
    {
        OperationId = "write-" + kind.Name,
        Summary = $"Writes rows of {kind.Table}.",
        Description = $"One object, an array of them, or an object on each line; {limits.MaxRows} rows and {limits.MaxBodyBytes} bytes at most. Nothing is stored unless all rows are allowed. "
            + $"A row with an id that came before, from the same source, is counted as repeated and not stored again, whatever its created_at. Needs the scope {kind.Scope}.",
        Parameters =
        [
            new OpenApiParameter
            {
                Name = "Idempotency-Key",
                In = ParameterLocation.Header,
                Description = $"Makes the request safe to send again: for {limits.RememberRequests.TotalHours} hours the same key and body get the same answer, with Idempotency-Replayed.",
                Schema = new OpenApiSchema { Type = JsonSchemaType.String, MinLength = 1, MaxLength = 255 },
            },
        ],
        RequestBody = Body(document, kind, limits),
        Responses = Responses(document),
        Security = [new OpenApiSecurityRequirement { [new OpenApiSecuritySchemeReference(KeyScheme, document)] = [] }],
    };

    private static OpenApiRequestBody Body(OpenApiDocument document, RowKind kind, IngestOptions limits)
    {
        var row = new OpenApiSchemaReference(kind.Name, document);
        var example = ExampleOf(kind);
        return new OpenApiRequestBody
        {
            Required = true,
            Content = new Dictionary<string, OpenApiMediaType>
            {
                [MediaTypes.Json] = new()
                {
                    Schema = new OpenApiSchema { OneOf = [row, new OpenApiSchema { Type = JsonSchemaType.Array, Items = row, MaxItems = limits.MaxRows }] },
                    Example = example,
                },
                [MediaTypes.Lines] = new() { Schema = new OpenApiSchema { Type = JsonSchemaType.String }, Example = JsonValue.Create(example.ToJsonString() + "\n") },
            },
        };
    }

    private static OpenApiResponses Responses(OpenApiDocument document)
    {
        var responses = new OpenApiResponses();
        foreach (var (status, description) in new[] { ("201", "Stored; some rows are new."), ("200", "Nothing new: all rows came before, or there were none.") })
        {
            responses[status] = new OpenApiResponse
            {
                Description = description,
                Headers = new Dictionary<string, IOpenApiHeader> { [IngestEndpoint.Replayed] = Header("true if this is the answer of before.") },
                Content = new Dictionary<string, OpenApiMediaType> { [MediaTypes.Json] = new() { Schema = new OpenApiSchemaReference(AnswerSchema, document) } },
            };
        }

        foreach (var (status, description, header) in new[]
        {
            ("400", "The body is not the JSON that it should be, or a header is not allowed.", ""), ("401", "There is no key, or it is not known.", "WWW-Authenticate"),
            ("403", "The key lacks the scope.", "WWW-Authenticate"), ("409", "An id came before with other contents, or the Idempotency-Key with another body.", ""),
            ("413", "Too many bytes or rows.", ""), ("415", "The body is of another type.", "Accept-Post"), ("422", "Some rows are not allowed.", ""),
            ("429", "Too many requests or rows.", "Retry-After"), ("503", "The database does not answer: send the same again.", "Retry-After"),
        })
        {
            responses[status] = new OpenApiResponse
            {
                Description = description,
                Headers = header.Length == 0 ? null : new Dictionary<string, IOpenApiHeader> { [header] = Header(null) },
                Content = new Dictionary<string, OpenApiMediaType> { ["application/problem+json"] = new() { Schema = new OpenApiSchemaReference(ProblemSchema, document) } },
            };
        }

        return responses;
    }

    private static OpenApiHeader Header(string? description) => new() { Description = description, Schema = new OpenApiSchema { Type = JsonSchemaType.String } };

    private static OpenApiSchema RowSchema(RowKind kind)
    {
        var properties = new Dictionary<string, IOpenApiSchema>
        {
            ["id"] = Text(RowReader.AllowedId + ". The sender's own: a row that comes again is one row.", "order-1", longest: RowReader.LongestId),
            ["user_id"] = Text(RowReader.AllowedUser, ExampleUser.ToString(), "uuid"),
            ["created_at"] = Text(RowReader.AllowedTime + "; now if it is left out", "2026-11-24T09:30:00Z", "date-time"),
        };
        foreach (var field in kind.Fields)
            properties[field.Name] = FieldSchema(field);
        return new OpenApiSchema
        {
            Type = JsonSchemaType.Object,
            AdditionalPropertiesAllowed = false,
            Required = new HashSet<string>(kind.Fields.Where(field => field.Default is null).Select(field => field.Name).Prepend("user_id")),
            Properties = properties,
        };
    }

    private static OpenApiSchema FieldSchema(RowField field) => new()
    {
        Type = field.Schema.Type switch { "integer" => JsonSchemaType.Integer, "number" => JsonSchemaType.Number, _ => JsonSchemaType.String },
        Description = field.Allowed,
        Default = field.Default is null ? null : JsonValueOf(field.Default),
        MinLength = field.Schema.LongestText is null ? null : 1,
        MaxLength = field.Schema.LongestText,
        Minimum = field.Schema.Most is null && field.Schema.End is null ? null : "0",
        Maximum = field.Schema.Most?.ToString(System.Globalization.CultureInfo.InvariantCulture),
        ExclusiveMaximum = field.Schema.End?.ToString(System.Globalization.CultureInfo.InvariantCulture),
        Enum = field.Schema.Words?.Select(JsonNode (word) => JsonValue.Create(word)).ToList(),
    };

    private static OpenApiSchema Answer() => new()
    {
        Type = JsonSchemaType.Object,
        Required = new HashSet<string> { "inserted", "repeated" },
        Properties = new Dictionary<string, IOpenApiSchema> { ["inserted"] = Number("Rows that were new."), ["repeated"] = Number("Rows that were there before.") },
    };

    private static OpenApiSchema Problem()
    {
        var error = new OpenApiSchema
        {
            Type = JsonSchemaType.Object,
            Properties = new Dictionary<string, IOpenApiSchema>
            {
                ["index"] = Number("Which row; the first is 0."),
                ["line"] = Number("The line that it begins on; the first is 1."),
                ["field"] = Text("The field, unless it is the row as a whole."),
                ["detail"] = Text("What is wrong."),
                ["allowed"] = Text("What would be right."),
            },
        };
        return new OpenApiSchema
        {
            Type = JsonSchemaType.Object,
            Description = "RFC 9457. Nothing of the request is stored.",
            Required = new HashSet<string> { "type", "title", "status", "detail" },
            Properties = new Dictionary<string, IOpenApiSchema>
            {
                ["type"] = Text("What kind of problem, for programs.", format: "uri"),
                ["title"] = Text("The same for people."),
                ["status"] = Number("The status of the answer."),
                ["detail"] = Text("What was wrong and what would be right."),
                ["line"] = Number("The line that is no JSON."),
                ["error_count"] = Number("How many errors the rows have."),
                ["errors"] = new OpenApiSchema { Type = JsonSchemaType.Array, Items = error, MaxItems = RowErrors.MostTold, Description = "The first of them." },
            },
        };
    }

    private static OpenApiSchema Number(string description) => new() { Type = JsonSchemaType.Integer, Description = description };

    private static OpenApiSchema Text(string description, string? example = null, string? format = null, int? longest = null) => new()
    {
        Type = JsonSchemaType.String,
        Description = description,
        Format = format,
        MaxLength = longest,
        Examples = example is null ? null : [JsonValue.Create(example)],
    };

    private static JsonValue JsonValueOf(object value) => value switch
    {
        decimal number => JsonValue.Create(number),
        int number => JsonValue.Create(number),
        _ => JsonValue.Create((string)value),
    };
}

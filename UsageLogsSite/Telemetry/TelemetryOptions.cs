using System.ComponentModel.DataAnnotations;

namespace UsageLogsSite.Telemetry;

/// <summary>Where the site shows its metrics: section <c>Telemetry</c> of the settings.</summary>
internal sealed class TelemetryOptions : IValidatableObject
{
    /// <summary>The address of the management port, apart from all that readers use; none if empty.</summary>
    public string ManagementUrl { get; set; } = "";

    /// <inheritdoc />
    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (ManagementUrl.Length > 0 && !IsAllowed(ManagementUrl))
            yield return new ValidationResult($"Telemetry:ManagementUrl is {ManagementUrl}; allowed is http://, a host and a port, such as http://127.0.0.1:9464.");
    }

    // "http://*:9464" means all addresses to Kestrel, and is no URI.
    private static bool IsAllowed(string url) =>
        Uri.TryCreate(url.Replace("://*:", "://0.0.0.0:", StringComparison.Ordinal).Replace("://+:", "://0.0.0.0:", StringComparison.Ordinal), UriKind.Absolute, out var uri)
        && uri is { Scheme: "http", PathAndQuery: "/", Fragment: "", UserInfo: "" };
}

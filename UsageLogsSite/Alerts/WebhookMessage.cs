using System.Text.Encodings.Web;
using System.Text.Json;
using UsageLogsSite.Data;
using UsageLogsSite.Filters;

namespace UsageLogsSite.Alerts;

/// <summary>What is posted: made of what never changes, so that each attempt says the same.</summary>
internal static class WebhookMessage
{
    private static readonly JsonSerializerOptions Json = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>The JSON of an alert, or of a test.</summary>
    /// <param name="rule">The rule.</param>
    /// <param name="delivery">The delivery.</param>
    /// <param name="alert">The alert; null for a test.</param>
    internal static byte[] Of(AlertRule rule, AlertDelivery delivery, Alert? alert) => JsonSerializer.SerializeToUtf8Bytes(
        new
        {
            Type = alert is null ? "alert.test" : "alert.fired",
            Id = alert?.Id ?? delivery.Id,
            Rule = new { rule.Id, rule.Name },
            Kind = Names.Of(rule.Kind),
            Subject = new { UserId = alert?.UserId ?? rule.UserId, Users = rule.UserType is { } type ? Names.Of(type) : "all" },
            Value = alert?.Value ?? 0,
            rule.Threshold,
            FiredAt = DateTime.SpecifyKind(alert?.FiredAt ?? delivery.CreatedAt, DateTimeKind.Utc),
        },
        Json);
}

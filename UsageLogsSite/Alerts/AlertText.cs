using UsageLogsSite.Data;
using UsageLogsSite.Filters;
using UsageLogsSite.Pages.Shared;

namespace UsageLogsSite.Alerts;

/// <summary>Rules and alerts in words.</summary>
internal static class AlertText
{
    /// <summary>A kind, as it is chosen.</summary>
    internal static string Of(AlertKind kind) => kind switch
    {
        AlertKind.CostPerHour => "Cost of this hour reaches ($)",
        AlertKind.Failures => "Failed responses in 60 minutes reach (number)",
        AlertKind.FailureShare => "Share of failed responses in 60 minutes reaches (%)",
        AlertKind.LowCredits => "Credits left fall below (credits)",
        _ => "First completed payment (no threshold)",
    };

    /// <summary>What a rule watches, as one line; a user is named by what stands beside it.</summary>
    internal static string Of(AlertRule rule) => When(rule) + rule switch
    {
        { UserId: { } id } => $", user {id}",
        { UserType: { } type } => $", {Names.Of(type)} users",
        _ => ", all users",
    };

    /// <summary>What a rule waits for.</summary>
    internal static string When(AlertRule rule) => rule.Kind switch
    {
        AlertKind.CostPerHour => $"cost of this hour ≥ {Format.Dollars(rule.Threshold)}",
        AlertKind.Failures => $"failed responses in 60 minutes ≥ {Format.Count((long)rule.Threshold)}",
        AlertKind.FailureShare => $"failed in 60 minutes ≥ {Format.Credits(rule.Threshold)} %",
        AlertKind.LowCredits => $"credits left < {Format.Credits(rule.Threshold)}",
        _ => "first completed payment",
    };

    /// <summary>What an alert saw.</summary>
    internal static string Of(AlertKind kind, decimal value) => kind switch
    {
        AlertKind.CostPerHour => $"{Format.Dollars(value)} this hour",
        AlertKind.Failures => $"{Format.Count((long)value)} failed in 60 minutes",
        AlertKind.FailureShare => $"{value:0.#} % failed in 60 minutes",
        AlertKind.LowCredits => $"{Format.Credits(value)} credits left",
        _ => $"{Format.Dollars(value)} paid",
    };

    /// <summary>How a delivery fares, in words.</summary>
    internal static string Of(AlertDelivery? delivery) => delivery switch
    {
        null => "no webhook",
        { DeliveredAt: { } at } => $"delivered {Format.UtcSecond(at)}{(delivery.Attempts > 1 ? $", at attempt {delivery.Attempts}" : "")}",
        { NextAttemptAt: { } next, Problem: { } problem } => $"attempt {delivery.Attempts} failed, next at {Format.UtcSecond(next)}: {problem}",
        { NextAttemptAt: not null } => "being delivered",
        _ => $"not delivered, given up after {delivery.Attempts} {(delivery.Attempts == 1 ? "attempt" : "attempts")}: {delivery.Problem}",
    };
}

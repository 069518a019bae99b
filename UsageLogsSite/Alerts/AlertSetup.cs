using UsageLogsSite.Data;
using UsageLogsSite.Hosting;
using UsageLogsSite.Rollup;

namespace UsageLogsSite.Alerts;

/// <summary>Adds alerts to the site.</summary>
internal static class AlertSetup
{
    /// <summary>Where pages ask which alerts are new.</summary>
    internal const string Address = "/alerts/new";

    internal static void AddAlerts(this WebApplicationBuilder builder)
    {
        builder.AddSettings<AlertOptions>("Alerts");
        builder.Services.AddSingleton<AlertSignals>();
        builder.Services.AddSingleton<AlertMetrics>();
        builder.Services.AddSingleton<WebhookClient>();
        builder.Services.AddSingleton<IElectedDuty, AlertChecks>();
        builder.Services.AddSingleton<IElectedDuty, AlertSender>();
        builder.Services.AddScoped<AlertRules>();
        builder.Services.AddSingleton<NewAlerts>();
    }

    internal static void MapAlerts(this WebApplication app) =>
        app.MapGet(Address, (HttpContext http, NewAlerts alerts, CancellationToken cancellation) => alerts.AnswerAsync(http, cancellation))
            .RequireAuthorization(policy => policy.RequireRole(nameof(AccountRole.Owner), nameof(AccountRole.Analyst)));
}

using UsageLogsSite.Hosting;

namespace UsageLogsSite.Rollup;

/// <summary>Adds the rollup to the site.</summary>
internal static class RollupSetup
{
    internal static void AddRollup(this WebApplicationBuilder builder)
    {
        builder.AddSettings<RollupOptions>("Rollup");
        builder.Services.AddSingleton<RollupMetrics>();
        builder.Services.AddHostedService<RollupService>();
    }
}

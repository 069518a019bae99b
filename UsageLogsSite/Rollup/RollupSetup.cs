using UsageLogsSite.Hosting;
using UsageLogsSite.Retention;

namespace UsageLogsSite.Rollup;

/// <summary>Adds the rollup to the site.</summary>
internal static class RollupSetup
{
    internal static void AddRollup(this WebApplicationBuilder builder)
    {
        builder.AddSettings<RollupOptions>("Rollup");
        builder.AddSettings<RetentionOptions>("Retention");
        builder.Services.AddSingleton<IElectedDuty, Housekeeping>();
        builder.Services.AddSingleton<RollupMetrics>();
        builder.Services.AddSingleton<RollupStatus>();
        builder.Services.AddHostedService<RollupService>();
        builder.Services.AddSingleton<RollupJobs>();
        builder.Services.AddHostedService(services => services.GetRequiredService<RollupJobs>());
    }
}

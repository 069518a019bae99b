namespace UsageLogsSite.Rollup;

/// <summary>Adds the rollup to the site.</summary>
internal static class RollupSetup
{
    internal static void AddRollup(this WebApplicationBuilder builder)
    {
        builder.Services.AddOptions<RollupOptions>()
            .Bind(builder.Configuration.GetSection("Rollup"))
            .ValidateDataAnnotations()
            .ValidateOnStart();
        builder.Services.AddSingleton<RollupMetrics>();
        builder.Services.AddHostedService<RollupService>();
    }
}

namespace UsageLogsSite.Hosting;

/// <summary>Reads sections of the settings.</summary>
internal static class Settings
{
    /// <summary>Reads a section, and stops the start where a value in it is not allowed.</summary>
    internal static void AddSettings<TOptions>(this WebApplicationBuilder builder, string section)
        where TOptions : class =>
        builder.Services.AddOptions<TOptions>()
            .Bind(builder.Configuration.GetSection(section))
            .ValidateDataAnnotations()
            .ValidateOnStart();
}

using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using UsageLogsSite.Data;
using UsageLogsSite.Queries;

namespace UsageLogsSite.Hosting;

/// <summary>What the site needs around it: address, databases, error pages.</summary>
internal static class HostingSetup
{
    /// <summary>Where the site listens if no setting says where.</summary>
    internal const string DefaultAddress = "http://localhost:5080";

    /// <summary>What says where the site listens.</summary>
    private static readonly string[] AddressKeys = ["urls", "http_ports", "https_ports"];

    /// <summary>Bytes of the largest request: no form of this site has more.</summary>
    private const long LargestForm = 64 * 1024;

    private static readonly TimeSpan ShutdownTimeout = TimeSpan.FromSeconds(5);

    internal static void AddHosting(this WebApplicationBuilder builder)
    {
        builder.Configuration.AddSecretFiles();
        builder.Services.AddSystemd(); // does nothing anywhere else

        // Set here and not in the settings file, which would win over ASPNETCORE_URLS and, as addresses do, over ASPNETCORE_HTTP_PORTS.
        if (AddressKeys.All(key => string.IsNullOrEmpty(builder.Configuration[key])))
            builder.WebHost.UseUrls(DefaultAddress);
        builder.WebHost.UseStaticWebAssets();

        // Looks for every address among the files: for who edits them only.
        builder.Configuration["ReloadStaticAssetsAtRuntime"] ??= builder.Environment.IsDevelopment().ToString();
        builder.WebHost.UseSmallSendBuffers();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = LargestForm; // read whole before anybody knows who sends it
        });

        // It writes addresses, and some of them sign in. Not among the settings, which are not read where the program is started elsewhere.
        builder.Logging.AddFilter("Microsoft.AspNetCore.Hosting.Diagnostics", LogLevel.None);
        builder.Logging.AddFilter("Microsoft.AspNetCore.Antiforgery", LogLevel.Error); // warns for each page that it makes no-store of no-store
        builder.Services.Configure<HostOptions>(options => options.ShutdownTimeout = ShutdownTimeout);
        builder.Services.AddSingleton(TimeProvider.System);
        builder.AddSettings<UsageOptions>("Usage");
        builder.Services.AddSingleton(services => TimeZoneInfo.FindSystemTimeZoneById(services.GetRequiredService<IOptions<UsageOptions>>().Value.TimeZone));
    }

    internal static void AddDatabases(this WebApplicationBuilder builder)
    {
        builder.AddDatabases(Databases.OfSite(builder.Configuration));
        builder.Services.AddHostedService<PrimaryWatch>();
    }

    internal static void AddDatabases(this WebApplicationBuilder builder, Databases databases)
    {
        builder.Services.AddSingleton(_ => databases);
        builder.Services.AddPooledDbContextFactory<UsageDbContext>(options => options.UseUsageDatabase(databases.Admin));
        builder.Services.AddSingleton<ReplicaMetrics>();
        builder.Services.AddSingleton(services => new AdminDatabase(
            services.GetRequiredService<IDbContextFactory<UsageDbContext>>(),
            new Replicas(
                "owners and analysts", databases.AdminReplicas, databases.Admin, databases.Timeline, services.GetRequiredService<DbContextOptions<UsageDbContext>>(),
                services.GetRequiredService<TimeProvider>(), services.GetRequiredService<ReplicaMetrics>(), services.GetRequiredService<ILogger<Replicas>>())));
        builder.Services.AddSingleton<MemberDatabase>();
    }

    internal static void AddDemo(this WebApplicationBuilder builder)
    {
        if (builder.Configuration.GetValue("Demo:Traffic", false))
            builder.Services.AddHostedService<DemoTraffic>();
    }
}

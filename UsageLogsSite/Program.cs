using UsageLogsSite.Access;
using UsageLogsSite.Alerts;
using UsageLogsSite.Commands;
using UsageLogsSite.Health;
using UsageLogsSite.Hosting;
using UsageLogsSite.Ingest;
using UsageLogsSite.Live;
using UsageLogsSite.Pages;
using UsageLogsSite.Rollup;
using UsageLogsSite.Telemetry;

if (CommandLine.Names(args))
    return await CommandLine.RunAsync(args, Console.Out, Console.Error);

try
{
    var builder = WebApplication.CreateBuilder(args);
    builder.AddHosting();
    builder.AddProxy();
    builder.AddTelemetry();

    // Given no connection string, the site brings a PostgreSQL of its own, and takes it down with it.
    await using var postgres = await EmbeddedPostgres.StartIfNeededAsync(builder.Configuration);
    builder.AddDatabases();
    builder.AddRollup();
    builder.AddLive();
    builder.AddAlerts();
    builder.AddIngest();
    builder.AddAccess();
    builder.AddPages();
    builder.AddLimits();
    builder.AddHealth();
    builder.AddDemo();

    await using var app = builder.Build();
    app.UseProxy();
    app.UseSecurityHeaders();
    app.UseFinishedChanges();
    app.UseClientId();
    app.UseRateLimiter();
    app.UseExceptionHandler("/error");
    app.UseRouting(); // streams and fragments end here: what follows is for pages
    app.UseCompression();
    app.UseStatusCodePagesWithReExecute("/error/{0}");
    app.UseFormCharset();
    app.UseAuthentication();
    app.UseAuthorization();
    app.MapHealth(app.Services.GetRequiredService<Readiness>());
    app.MapLive();
    app.MapAlerts();
    app.MapIngest();
    app.MapPages();

    await app.PrepareDatabaseAsync(app.MayMigrate(), app.Lifetime.ApplicationStopping);
    await app.LoadDemoAsync(app.Lifetime.ApplicationStopping);
    await app.PrepareAccountsAsync(isDemo: postgres is not null, app.Lifetime.ApplicationStopping);
    await app.RunAsync();
    return 0;
}
catch (Exception e) when (StartupException.Explain(e) is { } advice)
{
    Console.Error.WriteLine(advice);
    return 1;
}

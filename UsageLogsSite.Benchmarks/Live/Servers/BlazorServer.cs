namespace UsageLogsSite.Benchmarks.Live.Servers;

/// <summary>A Blazor Server page with the same table: each viewer has a circuit that renders and diffs.</summary>
internal static class BlazorServer
{
    internal static Action<WebApplication> Add(WebApplicationBuilder builder)
    {
        builder.Services.AddRazorComponents().AddInteractiveServerComponents();
        return app =>
        {
            app.UseAntiforgery();
            app.MapRazorComponents<TablePage>().AddInteractiveServerRenderMode();
        };
    }
}

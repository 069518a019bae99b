using Microsoft.AspNetCore.SignalR;

namespace UsageLogsSite.Benchmarks.Live.Servers;

/// <summary>A SignalR hub that pushes the table as JSON to the group of each filter.</summary>
internal static class SignalRServer
{
    internal static Action<WebApplication> Add(WebApplicationBuilder builder)
    {
        builder.Services.AddSignalR();
        builder.Services.AddSingleton<Pushes>();
        return app => app.MapHub<TableHub>("/hub");
    }

    /// <summary>Pushes each filter's content to its group, from the group's first viewer on.</summary>
    internal sealed class Pushes(SharedViews views, IHubContext<TableHub> hub)
    {
        private readonly HashSet<string> _pushed = [];

        internal void Begin(string query)
        {
            lock (_pushed)
            {
                if (!_pushed.Add(query))
                    return;
            }

            views.Of(query).Changed += view => _ = hub.Clients.Group(query).SendAsync("table", TableJson.Of(view));
        }
    }

    internal sealed class TableHub(SharedViews views, Pushes pushes) : Hub
    {
        public async Task<TableJson> Watch(string query)
        {
            await Groups.AddToGroupAsync(Context.ConnectionId, query);
            pushes.Begin(query);
            return TableJson.Of(await views.Of(query).CurrentAsync());
        }
    }
}

using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;
using UsageLogsSite.Access;
using UsageLogsSite.Data;
using UsageLogsSite.Hosting;
using UsageLogsSite.Retention;
using UsageLogsSite.Rollup;

namespace UsageLogsSite.Pages.Admin;

/// <summary>How the totals are kept, whether they are right, and the partitions of the logs.</summary>
[ResponseCache(NoStore = true)]
internal sealed class RollupModel(Databases databases, TimeProvider time, RollupStatus status, RollupJobs jobs, Audit audit) : PageModel
{
    /// <summary>Who folds, as people say it.</summary>
    public string Folding { get; private set; } = "";

    /// <summary>Changes that wait for the fold.</summary>
    public long Pending { get; private set; }

    /// <summary>What runs, or ran last on this instance; null if nothing has.</summary>
    public RollupJob? Job => jobs.Last;

    /// <summary>The last comparison on this instance; null if there was none.</summary>
    public RollupJob? LastVerify => jobs.LastVerify;

    /// <summary>The partitions of the logs, oldest first.</summary>
    public IReadOnlyList<Partition> Partitions { get; private set; } = [];

    /// <summary>The whole page.</summary>
    public async Task OnGetAsync(CancellationToken cancellation) => await ReadAsync(cancellation);

    /// <summary>What changes while a job runs.</summary>
    public async Task<IActionResult> OnGetStateAsync(CancellationToken cancellation)
    {
        await ReadAsync(cancellation);
        return Partial("_RollupState", this);
    }

    /// <summary>Starts a comparison; the answer does not wait for it.</summary>
    public Task<IActionResult> OnPostVerifyAsync(CancellationToken cancellation) => StartAsync(RollupJobKind.Verify, cancellation);

    /// <summary>Starts a rebuild; the answer does not wait for it.</summary>
    public Task<IActionResult> OnPostRebuildAsync(CancellationToken cancellation) => StartAsync(RollupJobKind.Rebuild, cancellation);

    private async Task<IActionResult> StartAsync(RollupJobKind kind, CancellationToken cancellation)
    {
        jobs.Start(kind);
        await audit.WriteAsync(HttpContext, AuditAction.RanRollupJob, "", kind.ToString().ToLowerInvariant(), cancellation);
        if (!Request.Headers.ContainsKey("HX-Request"))
            return LocalRedirect("/admin/rollup");
        return await OnGetStateAsync(cancellation);
    }

    private async Task ReadAsync(CancellationToken cancellation)
    {
        await using (var connection = await databases.Admin.OpenConnectionAsync(cancellation))
        {
            Folding = status.IsElected ? "This instance" : await Election.IsWonAsync(connection, cancellation) ? "Another instance" : "Nobody";

            // As many as matter to people: a backlog of millions is not worth counting through.
            await using var count = new Npgsql.NpgsqlCommand("SELECT count(*) FROM (SELECT FROM usage_deltas LIMIT 100000) d", connection);
            Pending = (long)(await count.ExecuteScalarAsync(cancellation))!;
        }

        Partitions = await new Partitions(databases.Admin, time).ListAsync(cancellation);
    }
}

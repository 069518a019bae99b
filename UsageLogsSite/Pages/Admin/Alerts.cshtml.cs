using System.ComponentModel.DataAnnotations;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;
using Microsoft.EntityFrameworkCore;
using UsageLogsSite.Alerts;
using UsageLogsSite.Data;
using UsageLogsSite.Filters;

namespace UsageLogsSite.Pages.Admin;

/// <summary>When owners want to be told, what they were told, and whether it arrived.</summary>
[ResponseCache(NoStore = true)]
internal sealed class AlertsModel(IDbContextFactory<UsageDbContext> contexts, AlertRules rules) : PageModel
{
    private const int MostAlerts = 50;
    private const int MostTests = 5;
    private const int LongestTyped = 2_100;

    /// <summary>All rules, oldest first.</summary>
    public IReadOnlyList<RuleRow> Rules { get; private set; } = [];

    /// <summary>The versions of rules, read before them: what somebody changes in between is then refused, never lost.</summary>
    public IReadOnlyDictionary<Guid, long> Versions { get; private set; } = new Dictionary<Guid, long>();

    /// <summary>The newest alerts.</summary>
    public IReadOnlyList<AlertRow> Alerts { get; private set; } = [];

    /// <summary>The newest test deliveries.</summary>
    public IReadOnlyList<TestRow> Tests { get; private set; } = [];

    /// <summary>What stands in the form: what was typed, if it was refused.</summary>
    public NewAlertRule Typed { get; private set; } = NewAlertRule.Empty;

    /// <summary>The rule whose change was refused: what was typed stands in its form. Null if none was.</summary>
    public Guid? Editing { get; private set; }

    /// <summary>What was done, for people.</summary>
    public string? Done { get; private set; }

    /// <summary>A webhook's secret to be told once; null if none was made.</summary>
    public string? NewSecret { get; private set; }

    /// <summary>What could not be done, and why.</summary>
    public string? Problem { get; private set; }

    /// <summary>The page.</summary>
    public Task OnGetAsync(CancellationToken cancellation) => ReadAsync(cancellation);

    /// <summary>Makes a rule; the secret of its webhook is shown once.</summary>
    public Task<IActionResult> OnPostAddAsync(
        [StringLength(LongestTyped)] string? name, [StringLength(LongestTyped)] string? kind, [StringLength(LongestTyped)] string? users, [StringLength(LongestTyped)] string? user,
        [StringLength(LongestTyped)] string? threshold, [StringLength(LongestTyped)] string? webhook, CancellationToken cancellation)
    {
        Typed = new NewAlertRule(name ?? "", kind ?? "", users ?? "", user ?? "", threshold ?? "", webhook ?? "");
        return DoAsync(
            async () =>
            {
                NewSecret = await rules.AddAsync(HttpContext, Typed, cancellation);
                (Done, Typed) = ($"'{Typed.Name.Trim()}' is looked after from now on.", NewAlertRule.Empty);
            },
            cancellation);
    }

    /// <summary>Changes a rule.</summary>
    public Task<IActionResult> OnPostEditAsync(
        Guid id, long version, [StringLength(LongestTyped)] string? name, [StringLength(LongestTyped)] string? kind, [StringLength(LongestTyped)] string? users,
        [StringLength(LongestTyped)] string? user, [StringLength(LongestTyped)] string? threshold, [StringLength(LongestTyped)] string? webhook, CancellationToken cancellation)
    {
        (Editing, Typed) = (id, new NewAlertRule(name ?? "", kind ?? "", users ?? "", user ?? "", threshold ?? "", webhook ?? ""));
        return DoAsync(
            async () =>
            {
                NewSecret = await rules.ChangeAsync(HttpContext, id, version, Typed, cancellation);
                (Done, Editing, Typed) = ($"'{Typed.Name.Trim()}' is changed.", null, NewAlertRule.Empty);
            },
            cancellation);
    }

    /// <summary>What stands in a rule's form.</summary>
    internal NewAlertRule TypedFor(AlertRule rule) => Editing == rule.Id ? Typed : NewAlertRule.Of(rule);

    /// <summary>Switches a rule off or on.</summary>
    public Task<IActionResult> OnPostSwitchAsync(Guid id, bool on, CancellationToken cancellation) =>
        DoAsync(
            async () =>
            {
                await rules.SwitchAsync(HttpContext, id, on, cancellation);
                Done = on ? "The rule is on." : "The rule is off, and so are its alerts.";
            },
            cancellation);

    /// <summary>Removes a rule and its alerts.</summary>
    public Task<IActionResult> OnPostRemoveAsync(Guid id, CancellationToken cancellation) =>
        DoAsync(
            async () =>
            {
                await rules.RemoveAsync(HttpContext, id, cancellation);
                Done = "The rule is gone, and so are its alerts.";
            },
            cancellation);

    /// <summary>Has a test posted; the answer does not wait for it.</summary>
    public Task<IActionResult> OnPostTestAsync(Guid id, CancellationToken cancellation) =>
        DoAsync(
            async () =>
            {
                await rules.TestAsync(HttpContext, id, cancellation);
                Done = "A test is on its way: load the page again to see whether it arrived.";
            },
            cancellation);

    private async Task<IActionResult> DoAsync(Func<Task> change, CancellationToken cancellation)
    {
        try
        {
            if (ModelState.FirstOrDefault(field => field.Value?.Errors.Count > 0).Key is { } field)
                throw new FormatException($"The field '{field}' is not allowed as it is.");
            await change();
        }
        catch (FormatException e)
        {
            (Problem, Done, NewSecret) = (e.Message, null, null);
        }

        await ReadAsync(cancellation);
        return Page();
    }

    private async Task ReadAsync(CancellationToken cancellation)
    {
        await using var database = await contexts.CreateDbContextAsync(cancellation);
        Versions = await database.Database.SqlQuery<RuleVersion>($"SELECT id, xmin::text::bigint AS version FROM alert_rules").ToDictionaryAsync(v => v.Id, v => v.Version, cancellation);
        Rules = await database.AlertRules.OrderBy(r => r.CreatedAt).Select(r => new RuleRow(
            r,
            database.Users.Where(u => u.Id == r.UserId).Select(u => u.Email).FirstOrDefault(),
            database.Alerts.Count(a => a.RuleId == r.Id && a.ClearedAt == null && !a.IsKnown),
            database.Alerts.Count(a => a.RuleId == r.Id && a.ClearedAt == null && a.IsKnown))).ToListAsync(cancellation);
        Alerts = await (
            from a in database.Alerts
            join r in database.AlertRules on a.RuleId equals r.Id
            where !a.IsKnown
            orderby a.FiredAt descending, a.Id
            select new AlertRow(
                a, r.Name, r.Kind,
                database.Users.Where(u => u.Id == a.UserId).Select(u => u.Name).FirstOrDefault(),
                database.AlertDeliveries.FirstOrDefault(d => d.AlertId == a.Id))).Take(MostAlerts).ToListAsync(cancellation);
        Tests = await (
            from d in database.AlertDeliveries
            join r in database.AlertRules on d.RuleId equals r.Id
            where d.AlertId == null
            orderby d.CreatedAt descending
            select new TestRow(r.Name, d)).Take(MostTests).ToListAsync(cancellation);
    }
}

/// <summary>Which state of a rule is shown.</summary>
/// <param name="Id">The rule.</param>
/// <param name="Version">Another number after each change of its row.</param>
internal sealed record RuleVersion(Guid Id, long Version);

/// <summary>A rule as owners see it.</summary>
/// <param name="Rule">The rule.</param>
/// <param name="UserEmail">The address of its user; null for many, or for one who is gone.</param>
/// <param name="Firing">For how many it is true, and somebody was told.</param>
/// <param name="Known">For how many it was true when it was switched on, and is still.</param>
internal sealed record RuleRow(AlertRule Rule, string? UserEmail, int Firing, int Known)
{
    /// <summary>Whom it watches.</summary>
    internal string Whose => Rule switch
    {
        { UserId: not null } => UserEmail ?? "a user who is gone",
        { UserType: { } type } => $"{Names.Of(type)} users",
        _ => "all users",
    };
}

/// <summary>An alert as owners see it.</summary>
/// <param name="Alert">The alert.</param>
/// <param name="Rule">What its rule is called.</param>
/// <param name="Kind">What its rule watches.</param>
/// <param name="User">The name of the user it is about; null for many, or for one who is gone.</param>
/// <param name="Delivery">What is posted; null without a webhook.</param>
internal sealed record AlertRow(Alert Alert, string Rule, AlertKind Kind, string? User, AlertDelivery? Delivery);

/// <summary>A test delivery as owners see it.</summary>
/// <param name="Rule">What the rule is called.</param>
/// <param name="Delivery">What is posted.</param>
internal sealed record TestRow(string Rule, AlertDelivery Delivery);

using Microsoft.EntityFrameworkCore;
using Npgsql;
using UsageLogsSite.Data;
using UsageLogsSite.Queries;

namespace UsageLogsSite.Saved;

/// <summary>
/// Each account's own views. PostgreSQL shows none but those of the account that is set for the transaction; the conditions here say the same
/// once more.
/// </summary>
internal sealed class SavedViews(IDbContextFactory<UsageDbContext> contexts)
{
    /// <summary>Views of one account at most.</summary>
    internal const int MostViews = 50;

    /// <summary>All views of an account, by name.</summary>
    /// <exception cref="NpgsqlException">The database cannot be reached or refuses.</exception>
    internal Task<List<SavedView>> ListAsync(Guid account, CancellationToken cancellation) => ConnectionRetry.RunAsync(
        contexts,
        (database, c) => AsAsync(database, account, own => own.OrderBy(v => v.NormalizedName).ToListAsync(c), c),
        cancellation);

    /// <summary>Adds a view.</summary>
    /// <param name="account">Whose.</param>
    /// <param name="name">What it is called, as <see cref="ViewName.Of"/> gives it.</param>
    /// <param name="query">What it shows, as <see cref="ViewQuery.Of"/> gives it.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <returns>Its id.</returns>
    /// <exception cref="FormatException">There are too many, or one has this name; the message says which.</exception>
    internal async Task<Guid> AddAsync(Guid account, string name, string query, CancellationToken cancellation)
    {
        await using var database = await contexts.CreateDbContextAsync(cancellation);
        var view = new SavedView { AccountId = account, Name = name, NormalizedName = ViewName.Normalize(name), Query = query };
        return await UniqueAsync(name, () => AsAsync(
            database,
            account,
            async own =>
            {
                // Of two that come at once the second waits here, and counts the first.
                await database.Database.ExecuteSqlAsync($"SELECT FROM accounts WHERE id = {account} FOR NO KEY UPDATE", cancellation);
                if (await own.CountAsync(cancellation) >= MostViews)
                    throw new FormatException($"You have {MostViews} views already: delete one first.");
                database.SavedViews.Add(view);
                await database.SaveChangesAsync(cancellation);
                return view.Id;
            },
            cancellation));
    }

    /// <summary>Gives a view another name.</summary>
    /// <returns>Whether the account has this view.</returns>
    /// <exception cref="FormatException">Another one has this name; the message says so.</exception>
    internal Task<bool> RenameAsync(Guid account, Guid id, string name, CancellationToken cancellation)
    {
        var normalized = ViewName.Normalize(name);
        return UniqueAsync(name, () => ChangeAsync(
            account, id, view => view.ExecuteUpdateAsync(set => set.SetProperty(v => v.Name, name).SetProperty(v => v.NormalizedName, normalized), cancellation), cancellation));
    }

    /// <summary>Has a view show something else.</summary>
    /// <returns>Whether the account has this view.</returns>
    internal Task<bool> ReplaceAsync(Guid account, Guid id, string query, CancellationToken cancellation) =>
        ChangeAsync(account, id, view => view.ExecuteUpdateAsync(set => set.SetProperty(v => v.Query, query), cancellation), cancellation);

    /// <summary>Deletes a view.</summary>
    /// <returns>Whether the account had this view.</returns>
    internal Task<bool> DeleteAsync(Guid account, Guid id, CancellationToken cancellation) =>
        ChangeAsync(account, id, view => view.ExecuteDeleteAsync(cancellation), cancellation);

    private async Task<bool> ChangeAsync(Guid account, Guid id, Func<IQueryable<SavedView>, Task<int>> change, CancellationToken cancellation)
    {
        await using var database = await contexts.CreateDbContextAsync(cancellation);
        return await AsAsync(database, account, own => change(own.Where(v => v.Id == id)), cancellation) > 0;
    }

    /// <summary>Does something with the views of an account, in a transaction that is identified as its.</summary>
    private static async Task<T> AsAsync<T>(UsageDbContext database, Guid account, Func<IQueryable<SavedView>, Task<T>> act, CancellationToken cancellation)
    {
        await using var transaction = await database.Database.BeginTransactionAsync(cancellation);
        await database.Database.ExecuteSqlAsync($"SELECT set_config('usage.account_id', {account.ToString()}, true)", cancellation);
        var result = await act(database.SavedViews.Where(v => v.AccountId == account));
        await transaction.CommitAsync(cancellation);
        return result;
    }

    private static async Task<T> UniqueAsync<T>(string name, Func<Task<T>> change)
    {
        try
        {
            return await change();
        }
        catch (Exception e) when ((e as PostgresException ?? e.InnerException as PostgresException)?.SqlState == PostgresErrorCodes.UniqueViolation)
        {
            throw new FormatException($"You have a view called '{name}' already; upper and lower case count as the same.", e);
        }
    }
}

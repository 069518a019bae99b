using UsageLogsSite.Filters;

namespace UsageLogsSite.Queries;

/// <summary>What a user used of which model on the days of the charts.</summary>
/// <param name="ByModel">The models, the most used first; the last one may stand for all that are left, with no name.</param>
/// <param name="Names">The models that can be asked for, in alphabetical order.</param>
/// <param name="Matching">How many logs of these days the filter keeps.</param>
internal sealed record UserUse(IReadOnlyList<ModelSums> ByModel, IReadOnlyList<string> Names, long Matching)
{
    /// <summary>Models with a row of their own, and models offered: their names are free text, so there may be any number.</summary>
    private const int MostRows = 8, MostNames = 100;

    /// <summary>Adds days up by model.</summary>
    internal static UserUse Of(IReadOnlyList<ModelUse> uses, UserFilter filter)
    {
        var models = uses.GroupBy(u => u.Model).Select(g => Sum(g.Key, g)).OrderByDescending(m => m.Requests).ThenBy(m => m.Model, StringComparer.Ordinal).ToList();
        var rows = models.Count <= MostRows ? models : [.. models.Take(MostRows - 1), SumOfRest(uses, models)];
        return new UserUse(
            rows, [.. models.Take(MostNames).Select(m => m.Model!).Order(StringComparer.Ordinal)], uses.Where(u => Matches(u, filter)).Sum(u => u.Requests));
    }

    /// <summary>Whether a filter keeps these logs.</summary>
    internal static bool Matches(ModelUse use, UserFilter filter) =>
        (filter.Model is null || filter.Model == use.Model)
        && (filter.Status == StatusFilter.All || filter.Status == StatusFilter.Failed == use.HasFailed);

    private static ModelSums SumOfRest(IReadOnlyList<ModelUse> uses, List<ModelSums> models)
    {
        var named = models.Take(MostRows - 1).Select(m => m.Model!).ToHashSet();
        return Sum(null, uses.Where(u => !named.Contains(u.Model)));
    }

    private static ModelSums Sum(string? model, IEnumerable<ModelUse> uses) => uses.Aggregate(
        new ModelSums(model, 0, 0, 0, 0),
        (sum, use) => new(model, sum.Requests + use.Requests, sum.Tokens + use.Tokens, sum.Credits + use.Credits, sum.CostUsd + use.CostUsd));
}

/// <summary>What was used of a model.</summary>
/// <param name="Model">Its name; null for all others together.</param>
/// <param name="Requests">Number of usage logs.</param>
/// <param name="Tokens">Prompt and completion tokens.</param>
/// <param name="Credits">Credits used.</param>
/// <param name="CostUsd">Cost in US dollars.</param>
internal sealed record ModelSums(string? Model, long Requests, long Tokens, decimal Credits, decimal CostUsd);

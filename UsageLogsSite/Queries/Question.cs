using Microsoft.Net.Http.Headers;
using UsageLogsSite.Access;
using UsageLogsSite.Filters;

namespace UsageLogsSite.Queries;

/// <summary>
/// What somebody asks to see, and may see: equal questions have equal answers, and whoever asks one shares its filter set. The scope is
/// part of it, so nothing read for one scope is ever handed to another.
/// </summary>
/// <param name="Scope">What the asker may see.</param>
internal abstract record Question(Scope Scope)
{
    /// <summary>Path and query of the page that asks it, canonical.</summary>
    internal abstract string Address { get; }

    /// <summary>What it is called in logs.</summary>
    internal virtual string Name => Address;

    /// <summary>Whether a query is written as in <see cref="Address"/>.</summary>
    internal abstract bool IsCanonical(IQueryCollection query);

    /// <summary>The same with a page's size for who saves data.</summary>
    private protected abstract Question Light();

    /// <summary>What a whole page is asked: who saves data gets fewer rows where the address names no size.</summary>
    internal Question ForPage(HttpContext http)
    {
        http.Response.Headers.Append(HeaderNames.Vary, "Save-Data");
        return http.Request.SavesData() && http.Request.Query.Size(0) == 0 ? Light() : this;
    }

    /// <summary>What a visitor's request to <c>/usage</c>, or to its fragment or stream, asks.</summary>
    internal static Question? Of(HttpRequest request, Visitor visitor) => visitor.Scope.UserId is { } userId
        ? new UserQuestion(visitor.Scope, userId, UserFilter.Parse(request.Query, request.SavesData()))
        : RequestQuestions.Of(request);
}

/// <summary>The list of all users.</summary>
/// <param name="Filter">Which of them, in which order.</param>
internal sealed record TableQuestion(UsageFilter Filter) : Question(Scope.Everything)
{
    /// <inheritdoc />
    internal override string Address => "/usage" + Filter.QueryString;

    /// <inheritdoc />
    internal override bool IsCanonical(IQueryCollection query) => Filter.IsCanonical(query);

    /// <inheritdoc />
    private protected override TableQuestion Light() => this with { Filter = Filter.Light() };
}

/// <summary>One user's own usage.</summary>
/// <param name="Scope">What the asker may see: everything, or that user.</param>
/// <param name="UserId">Whose usage.</param>
/// <param name="Filter">Which part of it.</param>
internal sealed record UserQuestion(Scope Scope, Guid UserId, UserFilter Filter) : Question(Scope)
{
    /// <summary>A member's own page is <c>/usage</c>: its address tells nothing.</summary>
    internal string Path => Scope.UserId is null ? $"/users/{UserId}" : "/usage";

    /// <inheritdoc />
    internal override string Address => Path + Filter.QueryString;

    /// <inheritdoc />
    internal override string Name => Scope.UserId is null ? Address : $"{Address} of {UserId}";

    /// <inheritdoc />
    internal override bool IsCanonical(IQueryCollection query) => Filter.IsCanonical(query);

    /// <inheritdoc />
    private protected override UserQuestion Light() => this with { Filter = Filter.Light() };

    /// <summary>What a request to <c>/users/{id}</c>, its fragment or its stream asks; null for who may not see other users.</summary>
    internal static new UserQuestion? Of(HttpRequest request, Visitor visitor) =>
        visitor.Scope == Scope.Everything && Guid.TryParse(request.RouteValues["id"] as string, out var userId)
            ? new UserQuestion(visitor.Scope, userId, UserFilter.Parse(request.Query, request.SavesData()))
            : null;
}

namespace UsageLogsSite.Queries;

/// <summary>Asks the database, as whoever's role the question's scope allows.</summary>
/// <param name="table">Answers about the list of users.</param>
/// <param name="users">Answers about one user.</param>
internal sealed class QuestionReader(UsageTable table, UserHistory users)
{
    /// <summary>The answer now.</summary>
    /// <exception cref="Npgsql.NpgsqlException">The database cannot be reached or refuses.</exception>
    internal async Task<LiveView> ReadAsync(Question question, CancellationToken cancellation) => question switch
    {
        TableQuestion list => await table.ReadAsync(list.Filter, cancellation),
        UserQuestion user => await users.ReadAsync(user, cancellation),
        EmbedQuestion embed => WidgetView.Of(embed, await ReadAsync(embed.Shown, cancellation)),
        _ => throw new InvalidOperationException($"Nobody answers a {question.GetType().Name}."),
    };
}

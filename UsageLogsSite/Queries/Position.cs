using Npgsql;
using NpgsqlTypes;

namespace UsageLogsSite.Queries;

/// <summary>How far the primary has written: who has replayed as much shows all that anybody can have seen there by then.</summary>
/// <param name="At">The end of its log.</param>
/// <param name="Timeline">Which promotion's log that is.</param>
internal readonly record struct Position(NpgsqlLogSequenceNumber At, int Timeline)
{
    /// <summary>
    /// The end of what is inserted, not of what is flushed: with synchronous_commit = off a commit can be seen before it is flushed. At the
    /// beginning of a page the end stands behind the page's header (24 bytes, 40 in a segment's first page), which no replica counts until a
    /// record follows it.
    /// </summary>
    private const string Question = """
        SELECT i - CASE WHEN (i - '0/0') % pg_size_bytes(current_setting('wal_segment_size')) = 40 THEN 40
                        WHEN (i - '0/0') % current_setting('wal_block_size')::int = 24 THEN 24 ELSE 0 END,
               ('x' || left(pg_walfile_name(i), 8))::bit(32)::int
        FROM pg_current_wal_insert_lsn() i
        """;

    /// <summary>Asks a primary.</summary>
    /// <exception cref="NpgsqlException">It cannot be reached, or is none.</exception>
    internal static Task<Position> OfAsync(NpgsqlDataSource primary, CancellationToken cancellation) => ConnectionRetry.RunAsync(primary, async () =>
    {
        await using var command = primary.CreateCommand(Question);
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        await reader.ReadAsync(cancellation);
        return new Position(reader.GetFieldValue<NpgsqlLogSequenceNumber>(0), reader.GetInt32(1));
    });

    /// <summary>
    /// Has a primary flush soon (<c>wal_writer_delay</c>) all that was inserted: the page that an open transaction writes to is otherwise flushed
    /// with the next commit, whoever's that is. An id that is given out and commits nothing is one that nobody waits for.
    /// </summary>
    /// <exception cref="NpgsqlException">It cannot be reached, or is none.</exception>
    internal static async Task FlushAsync(NpgsqlDataSource primary, CancellationToken cancellation)
    {
        await using var command = primary.CreateCommand("SELECT pg_current_xact_id()");
        await command.ExecuteNonQueryAsync(cancellation);
    }
}

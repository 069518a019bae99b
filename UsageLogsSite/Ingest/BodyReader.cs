using System.Buffers;
using System.IO.Pipelines;
using System.Security.Cryptography;
using System.Text.Json;

namespace UsageLogsSite.Ingest;

/// <summary>
/// Reads the rows of a body as it arrives: an object, an array of objects, or objects one after the other (NDJSON). Only the row that is
/// read and what has arrived after it are kept.
/// </summary>
/// <param name="rows">Reads each row.</param>
/// <param name="isLines">Whether this is NDJSON.</param>
/// <param name="most">Rows at most.</param>
/// <param name="hash">Takes all bytes.</param>
internal sealed class BodyReader(RowReader rows, bool isLines, int most, IncrementalHash hash)
{
    /// <summary>Bytes of one row at most: all of its fields at their longest, each character escaped, have half as many.</summary>
    private const int LongestRow = 16 * 1024;

    private readonly List<IngestRow> _read = [];
    private JsonReaderState _state = new(new JsonReaderOptions { AllowMultipleValues = isLines });
    private int _count;
    private long _lines = 1;

    /// <summary>Rows that were read, whether something is wrong with them or not.</summary>
    internal int Count => _count;

    /// <summary>The rows that nothing is wrong with, in their order.</summary>
    /// <param name="body">The body.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="JsonException">It is not the JSON that was said; the message and the line say where.</exception>
    /// <exception cref="BodyTooLargeException">It has too many rows, or one that is too long.</exception>
    /// <exception cref="BadHttpRequestException">It has too many bytes, does not arrive, or is not framed as it should be.</exception>
    internal async Task<List<IngestRow>> ReadAsync(PipeReader body, CancellationToken cancellation)
    {
        while (true)
        {
            var result = await body.ReadAsync(cancellation);
            var (buffer, consumed) = (result.Buffer, 0L);
            try
            {
                consumed = Read(buffer, result.IsCompleted);
                foreach (var part in buffer.Slice(0, consumed))
                    hash.AppendData(part.Span);
                RefuseLonger(buffer.Length - consumed); // the beginning of one
            }
            finally
            {
                body.AdvanceTo(buffer.GetPosition(consumed), buffer.End); // whatever happens: the server goes on to read the rest
            }

            if (result.IsCompleted)
                return _read;
        }
    }

    /// <summary>Reads all rows that are there as a whole.</summary>
    /// <returns>How many bytes need not be looked at again.</returns>
    private long Read(ReadOnlySequence<byte> buffer, bool isAll)
    {
        var reader = new Utf8JsonReader(buffer, isAll, _state);
        long consumed = 0;
        while (reader.Read())
        {
            var isBracket = !isLines && reader.CurrentDepth == 0 && reader.TokenType is JsonTokenType.StartArray or JsonTokenType.EndArray;
            if (!isBracket)
            {
                var whole = reader;
                if (!whole.TrySkip())
                    break;
                RefuseLonger(whole.BytesConsumed - reader.TokenStartIndex);
                CountLines(buffer.Slice(consumed, reader.TokenStartIndex - consumed));
                consumed = reader.TokenStartIndex;
                ReadRow(ref reader);
            }

            CountLines(buffer.Slice(consumed, reader.BytesConsumed - consumed));
            consumed = reader.BytesConsumed;
            _state = reader.CurrentState;
        }

        return isAll ? buffer.Length : consumed;
    }

    private void ReadRow(ref Utf8JsonReader reader)
    {
        if (++_count > most)
            throw new BodyTooLargeException($"It has more than {most} rows; send them in several requests.");
        if (rows.Read(ref reader, _count - 1, _lines) is { } row)
            _read.Add(row);
    }

    private void RefuseLonger(long bytes)
    {
        if (bytes > LongestRow)
            throw new BodyTooLargeException($"The row after line {_lines} is too long: {LongestRow} bytes are allowed.");
    }

    private void CountLines(ReadOnlySequence<byte> bytes)
    {
        foreach (var part in bytes)
            _lines += part.Span.Count((byte)'\n');
    }
}

/// <summary>A body is larger than is allowed, in rows or bytes of a row; the message is for people.</summary>
internal sealed class BodyTooLargeException(string message) : Exception(message);

using Microsoft.EntityFrameworkCore;
using UsageLogsSite.Data;

namespace UsageLogsSite.Decisions;

/// <summary>Writes a note about a user.</summary>
/// <param name="UserId">The user.</param>
/// <param name="Text">What it says.</param>
internal sealed record AddNote(Guid UserId, string Text) : Decision(UserId)
{
    /// <inheritdoc />
    internal override AuditAction Action => AuditAction.AddedNote;

    /// <inheritdoc />
    internal override async Task<Outcome> ApplyAsync(UsageDbContext database, string who, CancellationToken cancellation)
    {
        var text = Text.Replace('\0', '\uFFFD').Trim();
        if (text.Length is 0 or > UserNote.LongestText)
            return Outcome.Refused($"A note has 1 to {UserNote.LongestText} characters; this one has {text.Length}.");
        if (!await database.Users.AnyAsync(u => u.Id == UserId, cancellation))
            return Outcome.Refused("This user is gone.");
        database.UserNotes.Add(new UserNote { UserId = UserId, Text = text, Who = who });
        await database.SaveChangesAsync(cancellation);
        return Outcome.Done("The note is added.");
    }
}

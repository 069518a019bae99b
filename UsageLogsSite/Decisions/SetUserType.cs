using Microsoft.EntityFrameworkCore;
using UsageLogsSite.Data;
using UsageLogsSite.Filters;

namespace UsageLogsSite.Decisions;

/// <summary>Makes a user internal or external.</summary>
/// <param name="UserId">The user.</param>
/// <param name="Type">What the user becomes.</param>
/// <param name="Version">The version of the user's row that the owner saw.</param>
internal sealed record SetUserType(Guid UserId, UserType Type, uint Version) : Decision(UserId)
{
    /// <inheritdoc />
    internal override AuditAction Action => AuditAction.ChangedUserType;

    /// <inheritdoc />
    internal override async Task<Outcome> ApplyAsync(UsageDbContext database, string who, CancellationToken cancellation)
    {
        var user = await database.Users.AsTracking().SingleOrDefaultAsync(u => u.Id == UserId, cancellation);
        if (user is null)
            return Outcome.Refused("This user is gone.");
        if (user.UserType == Type)
            return Outcome.Done($"{user.Email} was {Names.Of(Type)} already.");
        if (user.Version != Version)
            return Outcome.Conflict($"{user.Email} was changed meanwhile: the name is '{user.Name}' and the type {Names.Of(user.UserType)} now.", user.Version);
        user.UserType = Type;
        await database.SaveChangesAsync(cancellation);
        return Outcome.Done($"{user.Email} is {Names.Of(Type)} now.");
    }
}

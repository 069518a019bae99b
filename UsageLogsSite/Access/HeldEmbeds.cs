using UsageLogsSite.Data;

namespace UsageLogsSite.Access;

/// <summary>The widgets that streams are open for.</summary>
internal sealed class HeldEmbeds(Embeds embeds, TimeProvider time, ILogger<HeldEmbeds> logger) : HeldStreams<EmbedGrant>(time, logger)
{
    /// <summary>
    /// Ties an open stream to its widget: <paramref name="end"/> is called once, soon after that was revoked or has expired. Disposing
    /// forgets it.
    /// </summary>
    /// <param name="embed">The widget.</param>
    /// <param name="expires">When the right to see it ends, in UTC, even if the widget itself goes on; null where it lasts as long as that.</param>
    /// <param name="end">Ends the stream.</param>
    internal IDisposable Hold(Embed embed, DateTime? expires, Action end)
    {
        var hold = Add(new EmbedGrant(embed.Id, embed.ExpiresAt, expires), end);
        if (!embeds.Remembers(embed))
            Check(embed.Id); // something may have been heard before it was held
        return hold;
    }

    /// <inheritdoc cref="Hold(Embed, DateTime?, Action)" />
    internal IDisposable Hold(Embed embed, Action end) => Hold(embed, expires: null, end);

    /// <summary>A widget may be over.</summary>
    /// <param name="payload">Its id, as <c>usage_access_changed</c> tells it; that of anything else is passed over, and what is no id stands for all.</param>
    internal void Hear(string payload)
    {
        if (Guid.TryParse(payload, out var id))
        {
            embeds.Forget(id);
            Check(id);
            return;
        }

        embeds.ForgetAll();
        Check(group: null);
    }

    /// <summary>Notifications were missed, and are heard from now on: looks at all again.</summary>
    internal void Recheck()
    {
        embeds.Trust();
        Check(group: null);
    }

    /// <summary>Notifications are not heard: nothing is answered from memory until <see cref="Recheck"/>.</summary>
    internal void Lose() => embeds.Lose();

    /// <inheritdoc />
    protected override Guid GroupOf(EmbedGrant grant) => grant.EmbedId;

    /// <inheritdoc />
    protected override DateTimeOffset? EndOf(EmbedGrant grant) => grant.Ends;

    /// <inheritdoc />
    protected override async Task<IReadOnlyList<EmbedGrant?>> LookUpAsync(IReadOnlyList<EmbedGrant> grants, CancellationToken cancellation)
    {
        var now = Time.GetUtcNow().UtcDateTime;
        var open = await embeds.FindAsync([.. grants.Select(grant => grant.EmbedId).Distinct()], cancellation);
        return [.. grants.Select(grant => open.TryGetValue(grant.EmbedId, out var expires) && !(grant.OwnEnd <= now) ? grant with { EmbedEnd = expires } : null)];
    }
}

/// <summary>The right to see a widget.</summary>
/// <param name="EmbedId">Which.</param>
/// <param name="EmbedEnd">When the widget ends, in UTC; null for never.</param>
/// <param name="OwnEnd">When this right ends, in UTC, even if the widget goes on; null where it lasts as long as that.</param>
internal sealed record EmbedGrant(Guid EmbedId, DateTime? EmbedEnd, DateTime? OwnEnd)
{
    /// <summary>The earlier of both ends, in UTC; null for never.</summary>
    internal DateTime? Ends => EmbedEnd is null || OwnEnd < EmbedEnd ? OwnEnd : EmbedEnd;
}

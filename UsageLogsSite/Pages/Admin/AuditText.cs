using UsageLogsSite.Data;

namespace UsageLogsSite.Pages.Admin;

/// <summary>What was done, in words.</summary>
internal static class AuditText
{
    /// <summary>The action as people say it.</summary>
    internal static string Of(AuditAction action) => action switch
    {
        AuditAction.SignedIn => "Signed in",
        AuditAction.SignInFailed => "Sign-in refused",
        AuditAction.LockedOut => "Locked out",
        AuditAction.SignedOut => "Signed out",
        AuditAction.SignedOutEverywhere => "Signed out everywhere",
        AuditAction.ChangedPassword => "Changed the password",
        AuditAction.AddedAccount => "Added an account",
        AuditAction.ChangedAccount => "Changed an account",
        AuditAction.ViewedLogs => "Viewed a user's logs",
        AuditAction.RanRollupJob => "Verified or rebuilt totals",
        AuditAction.AddedEmbed => "Made a widget",
        AuditAction.RevokedEmbed => "Revoked a widget",
        AuditAction.ChangedUserType => "Changed a user's type",
        AuditAction.RefundedPurchase => "Refunded a purchase",
        AuditAction.DeletedLog => "Deleted a log",
        AuditAction.AddedNote => "Noted something about a user",
        AuditAction.AddedAlertRule => "Added an alert rule",
        AuditAction.ChangedAlertRule => "Changed an alert rule",
        AuditAction.RemovedAlertRule => "Removed an alert rule",
        AuditAction.AddedApiKey => "Made an API key",
        AuditAction.RevokedApiKey => "Revoked an API key",
        _ => action.ToString(),
    };
}

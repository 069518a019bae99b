namespace UsageLogsSite.Data;

/// <summary>What the audit log records; stored by name.</summary>
public enum AuditAction
{
    /// <summary>Somebody signed in.</summary>
    SignedIn,

    /// <summary>A sign-in was refused.</summary>
    SignInFailed,

    /// <summary>An account was locked after too many failures.</summary>
    LockedOut,

    /// <summary>Somebody signed out of one browser.</summary>
    SignedOut,

    /// <summary>Somebody signed out of all browsers.</summary>
    SignedOutEverywhere,

    /// <summary>Somebody changed their password.</summary>
    ChangedPassword,

    /// <summary>An account was made.</summary>
    AddedAccount,

    /// <summary>An account's role, user or right to sign in was changed.</summary>
    ChangedAccount,

    /// <summary>Somebody looked at the logs of a user who is not themselves.</summary>
    ViewedLogs,

    /// <summary>Somebody took a file of usage away.</summary>
    Exported,

    /// <summary>Totals were compared or made anew.</summary>
    RanRollupJob,

    /// <summary>A widget was made.</summary>
    AddedEmbed,

    /// <summary>A widget was revoked.</summary>
    RevokedEmbed,

    /// <summary>A user was made internal or external.</summary>
    ChangedUserType,

    /// <summary>A purchase was marked as refunded.</summary>
    RefundedPurchase,

    /// <summary>A usage log was deleted.</summary>
    DeletedLog,

    /// <summary>A note about a user was written.</summary>
    AddedNote,

    /// <summary>An alert rule was made.</summary>
    AddedAlertRule,

    /// <summary>An alert rule was switched on or off, or its webhook tried.</summary>
    ChangedAlertRule,

    /// <summary>An alert rule was removed, with its alerts.</summary>
    RemovedAlertRule,

    /// <summary>An API key was made.</summary>
    AddedApiKey,

    /// <summary>An API key was revoked.</summary>
    RevokedApiKey,
}

namespace UsageLogsSite.Data;

/// <summary>What an alert rule watches; stored in kebab case.</summary>
public enum AlertKind
{
    /// <summary>What the responses of the current hour of the clock cost, in US dollars, reaches the threshold.</summary>
    CostPerHour,

    /// <summary>The number of failed responses of the last 60 minutes reaches the threshold.</summary>
    Failures,

    /// <summary>The share of failed responses in those of the last 60 minutes, in percent, reaches the threshold.</summary>
    FailureShare,

    /// <summary>What a user has bought and not used falls below the threshold, in credits.</summary>
    LowCredits,

    /// <summary>A user has a completed purchase, and had none before. The threshold means nothing.</summary>
    FirstPayment,
}

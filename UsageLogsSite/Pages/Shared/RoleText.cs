using UsageLogsSite.Data;

namespace UsageLogsSite.Pages.Shared;

/// <summary>What roles mean, in words.</summary>
internal static class RoleText
{
    /// <summary>The role and what it may do.</summary>
    internal static string Of(AccountRole role) => role switch
    {
        AccountRole.Owner => "Owner: sees and changes everything",
        AccountRole.Analyst => "Analyst: sees everything, changes nothing",
        _ => "Member: sees their own usage",
    };
}

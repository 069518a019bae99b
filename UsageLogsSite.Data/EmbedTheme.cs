namespace UsageLogsSite.Data;

/// <summary>The colours of a widget.</summary>
public enum EmbedTheme
{
    /// <summary>As the reader's system has it.</summary>
    Auto,

    /// <summary>Dark text on light.</summary>
    Light,

    /// <summary>Light text on dark.</summary>
    Dark,

    /// <summary>Dark text on whatever the page around has behind it.</summary>
    Transparent,
}

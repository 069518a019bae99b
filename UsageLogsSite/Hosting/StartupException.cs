namespace UsageLogsSite.Hosting;

/// <summary>The site cannot start, for a reason that the operator can mend: the message says which, and how.</summary>
internal sealed class StartupException(string message, Exception? inner = null) : Exception(message, inner);

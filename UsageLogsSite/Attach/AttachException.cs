namespace UsageLogsSite.Attach;

/// <summary>Tables cannot be attached, for a reason that the operator can mend: the message says which, and how.</summary>
internal sealed class AttachException(string message, Exception? inner = null) : Exception(message, inner);

using Microsoft.Extensions.Options;
using UsageLogsSite.Access;
using UsageLogsSite.Attach;
using UsageLogsSite.Retention;

namespace UsageLogsSite.Hosting;

/// <summary>The site cannot start, for a reason that the operator can mend: the message says which, and how.</summary>
internal sealed class StartupException(string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>What to tell an operator about a failed start; null where the failure is the program's own.</summary>
    internal static string? Explain(Exception exception) => exception switch
    {
        StartupException or RetentionException or AccountException or AttachException => exception.Message,
        AggregateException several when several.InnerExceptions.All(e => Explain(e) is not null) =>
            string.Join(Environment.NewLine, several.InnerExceptions.Select(Explain)),
        OptionsValidationException options => string.Join(Environment.NewLine, options.Failures),

        // The configuration binder names the value and the key, but not what would be right.
        InvalidOperationException { InnerException: FormatException or ArgumentException or OverflowException } => $"{exception.Message} Write it as in the README's table of settings.",
        IOException { InnerException: Microsoft.AspNetCore.Connections.AddressInUseException } => $"{exception.Message} Give another address with --urls.",
        _ => null,
    };
}

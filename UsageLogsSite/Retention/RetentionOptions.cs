using System.ComponentModel.DataAnnotations;

namespace UsageLogsSite.Retention;

/// <summary>Which logs the elected instance drops by itself: section <c>Retention</c> of the settings.</summary>
internal sealed class RetentionOptions : IValidatableObject
{
    /// <summary>How long logs are kept, as in <c>13-months</c>; empty keeps them all.</summary>
    public string Keep { get; set; } = "";

    /// <summary>The same, read; null keeps them all.</summary>
    public RetentionPeriod? Period => RetentionPeriod.Parse(Keep);

    /// <inheritdoc />
    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (Keep.Length > 0 && Period is null)
            yield return new ValidationResult($"Retention:Keep is {Keep}; allowed is {RetentionPeriod.Allowed}, or nothing to keep all logs.");
    }
}

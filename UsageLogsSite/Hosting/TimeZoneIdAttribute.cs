using System.ComponentModel.DataAnnotations;

namespace UsageLogsSite.Hosting;

/// <summary>Allows time zones that this machine knows; the message names the key, its value and what is allowed.</summary>
/// <param name="section">The section of the settings that the property belongs to.</param>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class TimeZoneIdAttribute(string section) : ValidationAttribute
{
    /// <summary>The section that the property belongs to.</summary>
    public string Section { get; } = section;

    /// <inheritdoc />
    protected override ValidationResult? IsValid(object? value, ValidationContext validationContext) =>
        value is string id && TimeZoneInfo.TryFindSystemTimeZoneById(id, out _)
            ? ValidationResult.Success
            : new ValidationResult(
                $"{Section}:{validationContext.MemberName} is {value}; allowed is the IANA id of a time zone that this machine knows, such as UTC or Europe/Berlin.");
}

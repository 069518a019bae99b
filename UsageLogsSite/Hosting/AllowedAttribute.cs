using System.ComponentModel.DataAnnotations;

namespace UsageLogsSite.Hosting;

/// <summary>Bounds a setting; the message names its key, its value and what is allowed.</summary>
/// <param name="section">The section of the settings that the property belongs to.</param>
/// <param name="least">The least value allowed, as it is written in the settings.</param>
/// <param name="most">The largest value allowed.</param>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class AllowedAttribute(string section, string least, string most) : ValidationAttribute
{
    /// <summary>The section that the property belongs to.</summary>
    public string Section { get; } = section;

    /// <summary>The least value allowed.</summary>
    public string Least { get; } = least;

    /// <summary>The largest value allowed.</summary>
    public string Most { get; } = most;

    /// <inheritdoc />
    protected override ValidationResult? IsValid(object? value, ValidationContext validationContext)
    {
        var allowed = new RangeAttribute(value!.GetType(), Least, Most) { ParseLimitsInInvariantCulture = true };
        return allowed.IsValid(value)
            ? ValidationResult.Success
            : new ValidationResult($"{Section}:{validationContext.MemberName} is {value}; allowed is {Least} to {Most}.");
    }
}

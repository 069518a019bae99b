using System.ComponentModel.DataAnnotations;
using System.Net;

namespace UsageLogsSite.Hosting;

/// <summary>Allows a list of addresses or networks; the message names the key, what is wrong and what is allowed.</summary>
/// <param name="section">The section of the settings that the property belongs to.</param>
/// <param name="areNetworks">Networks, and not single addresses.</param>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class AddressesAttribute(string section, bool areNetworks) : ValidationAttribute
{
    private const StringSplitOptions Clean = StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries;

    /// <summary>The section that the property belongs to.</summary>
    public string Section { get; } = section;

    /// <summary>Whether they are networks.</summary>
    public bool AreNetworks { get; } = areNetworks;

    /// <summary>The parts of a list.</summary>
    internal static string[] PartsOf(string list) => list.Split(',', Clean);

    /// <inheritdoc />
    protected override ValidationResult? IsValid(object? value, ValidationContext validationContext)
    {
        if (PartsOf((string?)value ?? "").FirstOrDefault(part => !IsAllowed(part)) is not { } wrong)
            return ValidationResult.Success;
        var allowed = AreNetworks
            ? "networks that only proxies are in, such as 10.1.2.0/24 or fd00:1::/64, with commas between; the whole internet (/0) is none"
            : "addresses of proxies, such as 127.0.0.1 or fd00::1, with commas between";
        return new ValidationResult($"{Section}:{validationContext.MemberName} has {wrong}; allowed are {allowed}.");
    }

    private bool IsAllowed(string part) => AreNetworks ? IPNetwork.TryParse(part, out var network) && network.PrefixLength > 0 : IPAddress.TryParse(part, out _);
}

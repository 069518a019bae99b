using UsageLogsSite.Data;
using UsageLogsSite.Saved;

namespace UsageLogsSite.Tests.Saved;

/// <summary>What a view may be called.</summary>
public sealed class ViewNameTests
{
    [Theory]
    [InlineData("Big spenders", "Big spenders")]
    [InlineData("  Big \t\r\n spenders\0 ", "Big spenders")]
    [InlineData("\u202Eevil\u202C \u2067x\u2069\u200F", "evil x")]
    [InlineData("<b>\"&'", "<b>\"&'")]
    [InlineData("\u05E9\u05DC\u05D5\u05DD", "\u05E9\u05DC\u05D5\u05DD")]
    [InlineData("\U0001F468\u200D\U0001F469\u200D\U0001F467", "\U0001F468\u200D\U0001F469\u200D\U0001F467")]
    public void A_name_is_one_line_that_turns_no_text_around_it(string typed, string name) => Assert.Equal(name, ViewName.Of(typed));

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData(" \u00A0\t\n")]
    [InlineData("\u200B\u200D\uFEFF")]
    [InlineData("\u202E\u200F")]
    public void What_nobody_sees_is_no_name(string? typed) => Assert.Contains("needs a name", Assert.Throws<FormatException>(() => ViewName.Of(typed)).Message, StringComparison.Ordinal);

    [Fact]
    public void A_name_has_an_end()
    {
        var longest = new string('x', SavedView.LongestName);
        Assert.Equal(longest, ViewName.Of(longest));
        Assert.Contains("at most 60 characters", Assert.Throws<FormatException>(() => ViewName.Of(longest + "x")).Message, StringComparison.Ordinal);
        Assert.Throws<FormatException>(() => ViewName.Of(new string('x', 300)));
    }

    [Theory]
    [InlineData("Mine", "mINE")]
    [InlineData("Straße", "STRAßE")]
    [InlineData("Моё", "мОЁ")]
    public void Names_that_differ_in_case_only_are_one(string one, string other) => Assert.Equal(ViewName.Normalize(one), ViewName.Normalize(other));
}

using UsageLogsSite.Access;
using UsageLogsSite.Data;

namespace UsageLogsSite.Tests.Access;

public sealed class NewEmbedTests
{
    [Theory]
    [InlineData("https://shop.example", "https://shop.example")]
    [InlineData(" HTTPS://Shop.Example:443/ ", "https://shop.example")]
    [InlineData("https://shop.example:8443", "https://shop.example:8443")]
    [InlineData("http://localhost:3000", "http://localhost:3000")]
    [InlineData("http://[::1]:3000", "http://[::1]:3000")]
    [InlineData("https://bücher.example", "https://xn--bcher-kva.example")]
    public void An_origin_is_written_as_browsers_write_it(string text, string origin) => Assert.Equal(origin, NewEmbed.OriginOf(text));

    [Theory]
    [InlineData("")]
    [InlineData("*")]
    [InlineData("https:")]
    [InlineData("https://*.example")]
    [InlineData("http://shop.example")]
    [InlineData("https://shop.example/page")]
    [InlineData("https://shop.example?x")]
    [InlineData("https://shop.example#x")]
    [InlineData("https://ann@shop.example")]
    [InlineData("https://shop.example; script-src *")]
    [InlineData("https://shop.example https://evil.example")]
    [InlineData("data:text/html,x")]
    [InlineData("'self'")]
    public void Anything_else_is_refused(string text) => Assert.Throws<FormatException>(() => NewEmbed.OriginOf(text));

    [Fact]
    public void What_is_locked_is_canonical()
    {
        var embed = NewEmbed.Make(" Ours ", "?page=3&size=10&type=external&type=all&x=1", null, ["cost", "cost"], EmbedTheme.Dark, ["https://a.example", "https://A.example/"], null);
        Assert.Equal(("Ours", "?type=external&size=10"), (embed.Name, embed.Filter));
        Assert.Equal(["cost"], embed.Columns);
        Assert.Equal(["https://a.example"], embed.Origins);
        Assert.Throws<FormatException>(() => NewEmbed.Make("Ours", "", null, ["secrets"], EmbedTheme.Dark, [], null));
        Assert.Throws<FormatException>(() => NewEmbed.Make(" ", "", null, [], EmbedTheme.Dark, [], null));
    }
}

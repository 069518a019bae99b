using System.Diagnostics;
using System.Text.RegularExpressions;
using UsageLogsSite.Alerts;
using UsageLogsSite.Tests.Support;

namespace UsageLogsSite.Tests.Alerts;

/// <summary>What the README tells receivers to do works as it stands there.</summary>
public sealed partial class VerificationSnippetTests
{
    [Theory]
    [InlineData("", "true")]
    [InlineData("headers['webhook-id'] += 'x'", "false")]
    [InlineData("body[0] ^= 1", "false")]
    [InlineData("headers['webhook-timestamp'] = String(Number(headers['webhook-timestamp']) - 600)", "false")]
    [InlineData("headers['webhook-signature'] = 'v1,AAAA ' + headers['webhook-signature']", "true")]
    [InlineData("delete headers['webhook-signature']", "false")]
    [InlineData("secret = 'whsec_' + Buffer.alloc(32).toString('base64')", "false")]
    public async Task A_receiver_that_does_as_the_readme_says_takes_our_messages_and_no_others(string change, string expected)
    {
        var (secret, at) = (WebhookSecret.Make(), DateTimeOffset.UtcNow.ToUnixTimeSeconds());
        var body = """{"type":"alert.test","rule":{"name":"Gut & günstig"}}"""u8.ToArray();
        var script = $$"""
            {{Snippet().Match(await File.ReadAllTextAsync(Path.Combine(Repository.Root, "README.md"), TestContext.Current.CancellationToken)).Groups[1].Value}}
            let secret = "{{secret}}";
            const headers = { "webhook-id": "some-id", "webhook-timestamp": "{{at}}", "webhook-signature": "{{WebhookSecret.Sign(secret, "some-id", at, body)}}" };
            const body = Buffer.from("{{Convert.ToBase64String(body)}}", "base64");
            {{change}};
            process.stdout.write(String(isFromUsageLogs(headers, body, secret)));
            """;
        var ran = await ProcessRun.OfAsync(new ProcessStartInfo("node", ["--input-type=module"]), script);
        Assert.True(ran.Output == expected, $"{ran.Output} {ran.Error}");
    }

    [GeneratedRegex(@"```js\n(import [^`]*(?:`[^`\n]+`[^`]*)*?)```")]
    private static partial Regex Snippet();
}

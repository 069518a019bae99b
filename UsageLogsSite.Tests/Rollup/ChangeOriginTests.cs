using System.Diagnostics;
using UsageLogsSite.Rollup;

namespace UsageLogsSite.Tests.Rollup;

public sealed class ChangeOriginTests
{
    private static readonly DateTimeOffset Now = new(2026, 11, 24, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public void What_is_written_is_read()
    {
        var origin = new ChangeOrigin(Now, new ActivityContext(ActivityTraceId.CreateRandom(), ActivitySpanId.CreateRandom(), ActivityTraceFlags.Recorded));
        var read = ChangeOrigin.Parse(origin.Text[1..], Now);
        Assert.Equal(origin.Since, read.Since);
        Assert.Equal((origin.Trace.TraceId, origin.Trace.SpanId), (read.Trace.TraceId, read.Trace.SpanId));
        Assert.Equal(new ChangeOrigin(Now, default), ChangeOrigin.Parse(new ChangeOrigin(Now, default).Text[1..], Now));
    }

    [Theory]
    [InlineData("")]
    [InlineData("@")]
    [InlineData("@@@")]
    [InlineData("-1@x")]
    [InlineData("0@00-00000000000000000000000000000000-0000000000000000-00")]
    [InlineData("99999999999999999999@")]
    [InlineData("9223372036854775807@")]
    public void What_cannot_be_read_or_believed_is_left_out(string text) => Assert.Equal(default, ChangeOrigin.Parse(text, Now));
}

using System.Globalization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.WebUtilities;
using UsageLogsSite.Filters;

namespace UsageLogsSite.Tests.Filters;

public sealed class UserFilterTests
{
    private const string Cursor = "1790000000123456-0123456789abcdef0123456789abcdef";

    [Theory]
    [InlineData("", "")]
    [InlineData("?period=all&size=25", "")]
    [InlineData("?size=50&before=" + Cursor + "&period=7d", "?period=7d&before=" + Cursor + "&size=50")]
    [InlineData("?type=external&q=ann&sort=cost&page=3&activity=inactive", "")]
    [InlineData("?status=failed&model=gpt-5", "?model=gpt-5&status=failed")]
    [InlineData("?purchases=all&status=all&model=", "?purchases=all")]
    [InlineData("?purchases=some&status=FAILED&model=a%00b", "")]
    [InlineData("?model=%20%27%20OR%201%3D1&model=other", "?model=%20%27%20OR%201%3D1")]
    [InlineData("?before=", "")]
    [InlineData("?before=1-2-3", "")]
    [InlineData("?before=-1-0123456789abcdef0123456789abcdef", "")]
    [InlineData("?before=01790000000123456-0123456789abcdef0123456789abcdef", "")]
    [InlineData("?before=1790000000123456-0123456789ABCDEF0123456789abcdef", "")]
    [InlineData("?before=99999999999999999999-0123456789abcdef0123456789abcdef", "")]
    [InlineData("?before=9223372036854775807-0123456789abcdef0123456789abcdef", "")]
    [InlineData("?before=0-00000000000000000000000000000000", "?before=0-00000000000000000000000000000000")]
    public void A_query_has_one_canonical_form(string query, string canonical)
    {
        var filter = UserFilter.Parse(Query(query));
        Assert.Equal(canonical, filter.QueryString);
        Assert.Equal(filter, UserFilter.Parse(Query(canonical)));
        Assert.True(filter.IsCanonical(Query(canonical)));
    }

    [Fact]
    public void A_model_has_a_name_that_a_log_can_have()
    {
        var longest = string.Concat(Enumerable.Repeat("😀", 200));
        Assert.Equal(longest, UserFilter.Parse(Query("?model=" + Uri.EscapeDataString(longest))).Model);
        Assert.Null(UserFilter.Parse(Query("?model=x" + Uri.EscapeDataString(longest))).Model);
    }

    [Fact]
    public void A_place_among_logs_is_kept_to_the_microsecond()
    {
        var cursor = new LogCursor(DateTime.Parse("2026-11-23T18:30:01.234567Z", CultureInfo.InvariantCulture, DateTimeStyles.AdjustToUniversal), Guid.NewGuid());
        Assert.Equal(cursor, LogCursor.Parse(cursor.ToString()));
    }

    private static QueryCollection Query(string query) => new(QueryHelpers.ParseQuery(query));
}

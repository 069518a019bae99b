using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.WebUtilities;
using UsageLogsSite.Filters;

namespace UsageLogsSite.Tests.Filters;

public sealed class UsageFilterTests
{
    [Theory]
    [InlineData("", "")]
    [InlineData("?type=all&activity=all&q=&sort=last-activity&dir=desc&page=1&size=25", "")]
    [InlineData("?size=50&page=3&dir=asc&sort=cost&q=ann&activity=active-7d&type=internal", "?type=internal&activity=active-7d&q=ann&sort=cost&dir=asc&page=3&size=50")]
    [InlineData("?sort=name", "?sort=name")]
    [InlineData("?sort=name&chart=days&q=x", "?q=x&chart=days&sort=name")]
    [InlineData("?chart=hours", "")]
    [InlineData("?trend=days&sort=cost&chart=days", "?chart=days&trend=days&sort=cost")]
    [InlineData("?trend=14", "")]
    [InlineData("?sort=name&dir=asc", "?sort=name")]
    [InlineData("?sort=name&dir=desc", "?sort=name&dir=desc")]
    [InlineData("?type=Internal&activity=active&sort=email&dir=up&page=-1&size=26", "")]
    [InlineData("?page=0&size=0", "")]
    [InlineData("?page=99999999999999999999&size=1e2", "")]
    [InlineData("?page=2147483647", "?page=10000000")]
    [InlineData("?q=%20%20ann%00%0d%0a%20", "?q=ann")]
    [InlineData("?type=internal&type=external", "?type=internal")]
    [InlineData("?utm_source=mail", "")]
    [InlineData("?size=50&q=ann&period=7d&activity=inactive", "?activity=inactive&period=7d&q=ann&size=50")]
    [InlineData("?period=today", "?period=today")]
    [InlineData("?period=30d", "?period=30d")]
    [InlineData("?period=month", "?period=month")]
    [InlineData("?period=last-month", "?period=last-month")]
    [InlineData("?period=1970-01", "?period=1970-01")]
    [InlineData("?period=2200-12", "?period=2200-12")]
    [InlineData("?period=1969-12", "")]
    [InlineData("?period=2201-01", "")]
    [InlineData("?period=2026-13", "")]
    [InlineData("?period=2026-3", "")]
    [InlineData("?period=2026-03-01", "")]
    [InlineData("?period=+026-03", "")]
    [InlineData("?period=all", "")]
    [InlineData("?period=Today", "")]
    [InlineData("?period=last7-days", "")]
    [InlineData("?q=a%26b%3Dc%23%25", "?q=a%26b%3Dc%23%25")]
    public void A_query_has_one_canonical_form(string query, string canonical)
    {
        var filter = UsageFilter.Parse(Query(query));
        Assert.Equal(canonical, filter.QueryString);
        var again = UsageFilter.Parse(Query(canonical));
        Assert.Equal(filter, again);
        Assert.True(again.IsCanonical(Query(canonical)));
    }

    [Theory]
    [InlineData("?type=all", false)]
    [InlineData("?page=1", false)]
    [InlineData("?q=ann&q=bob", false)]
    [InlineData("?sort=name&type=internal", true)]
    [InlineData("?q=%20ann", false)]
    public void An_address_is_canonical_if_it_says_nothing_but_what_differs_from_the_default(string query, bool isCanonical) =>
        Assert.Equal(isCanonical, UsageFilter.Parse(Query(query)).IsCanonical(Query(query)));

    [Fact]
    public void A_search_is_cut_between_characters()
    {
        var filter = UsageFilter.Parse(Query("?q=" + Uri.EscapeDataString(new string('a', 99) + "😀😀")));
        Assert.Equal(new string('a', 99), filter.Search);
    }

    [Fact]
    public void A_heading_orders_by_its_column_and_turns_it_when_chosen_again()
    {
        var byCost = new UsageFilter { Page = 3 }.SortedBy(UsageSort.Cost);
        Assert.Equal("?sort=cost", byCost.QueryString);
        Assert.Equal("?sort=cost&dir=asc", byCost.SortedBy(UsageSort.Cost).QueryString);
        Assert.Equal("?sort=name", byCost.SortedBy(UsageSort.Name).QueryString);
    }

    private static QueryCollection Query(string query) => new(QueryHelpers.ParseQuery(query));
}

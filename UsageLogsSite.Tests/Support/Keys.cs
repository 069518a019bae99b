using Microsoft.Playwright;

namespace UsageLogsSite.Tests.Support;

/// <summary>A reader without a mouse. Wherever the focus comes, it must be seen; and what takes it away must give it to something else.</summary>
internal sealed class Keys(Window window)
{
    private const int Farthest = 120;

    /// <summary>What has the focus, if nobody could see that; a radio button of a row of segments has its ring around its words. Where
    /// Tab stops it is on the screen, too; what a key changes may scroll away from it, as the next page of a list does.</summary>
    private const string Unseen =
        """
        isStop => {
          const focused = document.activeElement;
          if (focused === document.body) return "";
          const ring = element => {
            const style = getComputedStyle(element), box = element.getBoundingClientRect();
            return style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 1 && element.checkVisibility({ opacityProperty: true })
              && box.width > 0 && (!isStop || box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth);
          };
          return [focused, focused.nextElementSibling].some(element => element && ring(element)) ? "" : focused.outerHTML.slice(0, 200);
        }
        """;

    private IKeyboard Keyboard => window.Page.Keyboard;

    /// <summary>Presses Tab until this has the focus, which is seen at each stop.</summary>
    internal async Task TabToAsync(string wanted, bool backwards = false)
    {
        for (var i = 0; i < Farthest; i++)
        {
            if (await window.Page.EvaluateAsync<bool>("wanted => document.activeElement.matches(wanted)", wanted))
                return;
            await Keyboard.PressAsync(backwards ? "Shift+Tab" : "Tab");
            Assert.Equal("", await window.Page.EvaluateAsync<string>(Unseen, true));
        }

        Assert.Fail($"{Farthest} times Tab do not lead to {wanted} on {window.Page.Url}.");
    }

    internal Task TypeAsync(string text) => Keyboard.TypeAsync(text);

    /// <summary>Types over what stands in a field.</summary>
    internal async Task ReplaceAsync(string field, string text)
    {
        await TabToAsync(field);
        await Keyboard.PressAsync("Control+A");
        await Keyboard.TypeAsync(text);
    }

    /// <summary>Presses a key, waits for what it must do, and sees that something has the focus still, unless another page has come.</summary>
    internal async Task PressAsync(string key, Func<Task> expected)
    {
        await window.Page.EvaluateAsync("window.hadFocus = document.activeElement !== document.body");
        await Keyboard.PressAsync(key);
        await expected();
        await HasFocusAsync($"after {key}");
    }

    /// <summary>Goes there, and presses a key.</summary>
    internal async Task PressAtAsync(string wanted, string key, Func<Task> expected)
    {
        await TabToAsync(wanted);
        await PressAsync(key, expected);
    }

    /// <summary>A browser takes the focus from what is hidden with its next frame only.</summary>
    private async Task HasFocusAsync(string when)
    {
        var lost = await window.Page.EvaluateAsync<bool>(
            "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(!!window.hadFocus && document.activeElement === document.body))))");
        Assert.False(lost, $"The focus is lost {when} on {window.Page.Url}.");
        Assert.Equal("", await window.Page.EvaluateAsync<string>(Unseen, false));
    }
}

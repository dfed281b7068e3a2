using System.Text.RegularExpressions;
using Microsoft.Playwright;

namespace Tandem.Browser.Tests;

/// <summary>The tutorial in a real browser against the real program: the demo, its states and events, and what is told about the wire.</summary>
public sealed partial class TutorialTests(TutorialSite site) : IClassFixture<TutorialSite>
{
    [Fact]
    public async Task The_name_is_greeted_in_English()
    {
        await using TutorialPage page = await site.OpenAsync();
        await page.ConnectAsync();
        await page.GreetAsync("Hello, beston");
        Assert.Equal("en", await page.Page.Locator("html").GetAttributeAsync("lang"));
        await page["name-input"].FillAsync("世界");
        await page["name-input"].PressAsync("Enter");
        await Assertions.Expect(page["answer"]).ToHaveTextAsync("Hello, 世界");
    }

    [Fact]
    public async Task The_name_is_greeted_in_Chinese_where_the_browser_is_Chinese()
    {
        await using TutorialPage page = await site.OpenAsync("zh-CN");
        Assert.Equal("zh", await page.Page.Locator("html").GetAttributeAsync("lang"));
        await page.ConnectAsync();
        await page.GreetAsync("您好,beston");
    }

    [Fact]
    public async Task The_language_can_be_switched()
    {
        await using TutorialPage page = await site.OpenAsync();
        await page["lang-zh"].ClickAsync();
        await page.ConnectAsync();
        await page.GreetAsync("您好,beston");
        await page.CloseAsync();
        await page["lang-en"].ClickAsync();
        await page.ConnectAsync();
        await page.GreetAsync("Hello, beston");
    }

    [Fact]
    public async Task All_four_states_are_shown_by_name_and_number()
    {
        await using TutorialPage page = await site.OpenAsync();
        await Assertions.Expect(page["ready-state"]).ToHaveTextAsync("none yet");
        await page.ConnectAsync();
        await page.CloseAsync();
        string[] states = await page.ShownStatesAsync();
        Assert.Contains("CONNECTING (0)", states);
        Assert.Contains("OPEN (1)", states);
        Assert.Contains("CLOSING (2)", states);
        Assert.Contains("CLOSED (3)", states);
    }

    [Fact]
    public async Task All_four_events_are_logged()
    {
        await using TutorialPage page = await site.OpenAsync();
        await page.ConnectAsync();
        await page.GreetAsync("Hello, beston");
        await page["show-state"].ClickAsync();
        await Assertions.Expect(page["announcer"]).ToContainTextAsync("OPEN (1)");
        await page.CloseAsync();
        foreach (string kind in new[] { "open", "sent", "message", "close" }) await Assertions.Expect(page.Rows(kind)).ToHaveCountAsync(1);
        Assert.Equal(0, await page.Rows("error").CountAsync());

        // The fourth: a connection that fails. The server's address, and a path where there is no WebSocket.
        await page.RedirectWebSocketAsync("/nowhere");
        await page["connect"].ClickAsync();
        await Assertions.Expect(page.Rows("error")).ToHaveCountAsync(1);
        await Assertions.Expect(page.Rows("close")).ToHaveCountAsync(2);
        await Assertions.Expect(page.Rows("close").Last).ToContainTextAsync("1006");
    }

    [Fact]
    public async Task Close_sends_the_code_and_the_reason_that_were_entered()
    {
        await using TutorialPage page = await site.OpenAsync();
        await page.ConnectAsync();
        await page["close-code"].FillAsync("3001");
        await page["close-reason"].FillAsync("enough");
        await page["close"].ClickAsync();
        // The server echoes the code, and the browser reports what the server sent.
        await Assertions.Expect(page.Rows("close")).ToContainTextAsync("3001");
        await Assertions.Expect(page.Rows("close")).ToContainTextAsync("enough");
    }

    [Fact]
    public async Task Binary_messages_come_back()
    {
        await using TutorialPage page = await site.OpenAsync();
        await page.ConnectAsync();
        await page["binary-input"].FillAsync("00 ff 80 7f");
        await page["send-binary"].ClickAsync();
        await Assertions.Expect(page.Rows("message")).ToContainTextAsync(BinaryEcho());
    }

    [Fact]
    public async Task Four_megabytes_at_once_come_back_and_bufferedAmount_falls_to_0()
    {
        await using TutorialPage page = await site.OpenAsync();
        await page.ConnectAsync();
        await page["send-much"].ClickAsync();
        await Assertions.Expect(page.Rows("message")).ToContainTextAsync("64");
        await Assertions.Expect(page["buffered-amount"]).ToHaveTextAsync(new Regex(@"^0\b"));
        await page.GreetAsync("Hello, beston");
    }

    [Fact]
    public async Task Subprotocol_chat_is_chosen_when_offered_and_nothing_otherwise()
    {
        await using TutorialPage page = await site.OpenAsync();
        await page["subprotocols"].FillAsync("superchat, chat");
        await page.ConnectAsync();
        await Assertions.Expect(page["protocol"]).ToHaveTextAsync("chat");
        await page.CloseAsync();
        await page["subprotocols"].FillAsync("");
        await page.ConnectAsync();
        await Assertions.Expect(page["protocol"]).ToHaveTextAsync("(none)");
        await page.GreetAsync("Hello, beston");
    }

    [Fact]
    public async Task The_handshake_of_this_very_connection_is_shown_and_verified()
    {
        await using TutorialPage page = await site.OpenAsync();
        await page.ConnectAsync();
        await Assertions.Expect(page["handshake-request"]).ToContainTextAsync("GET /chat?");
        string request = await page["handshake-request"].InnerTextAsync();
        string response = await page["handshake-response"].InnerTextAsync();
        string key = KeyLine().Match(request).Groups[1].Value;
        string accept = AcceptLine().Match(response).Groups[1].Value;
#pragma warning disable CA5350 // RFC 6455 prescribes SHA-1
        byte[] hash = System.Security.Cryptography.SHA1.HashData(System.Text.Encoding.ASCII.GetBytes(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"));
#pragma warning restore CA5350
        Assert.Equal(Convert.ToBase64String(hash), accept);
        await Assertions.Expect(page["accept-computed"]).ToContainTextAsync(accept);
        await Assertions.Expect(page["accept-equal"]).ToBeVisibleAsync();
    }

    [Fact]
    public async Task The_frame_view_shows_the_masked_bytes_of_the_last_frame()
    {
        await using TutorialPage page = await site.OpenAsync();
        await page.ConnectAsync();
        await page.GreetAsync("Hello, beston");
        await page["frame-last-in"].ClickAsync();
        await Assertions.Expect(page["frame-table"]).ToContainTextAsync("beston");
        // FIN and text: 81; MASK and six bytes: 86.
        string grid = (await page["frame-grid"].InnerTextAsync()) + await page["frame-table"].InnerTextAsync();
        Assert.Contains("FIN", grid, StringComparison.Ordinal);
        Assert.Contains("MASK", grid, StringComparison.Ordinal);
        await page["frame-last-out"].ClickAsync();
        await Assertions.Expect(page["frame-table"]).ToContainTextAsync("Hello, beston");
    }

    [Fact]
    public async Task A_long_name_is_greeted_whole()
    {
        await using TutorialPage page = await site.OpenAsync();
        await page.ConnectAsync();
        string name = new('é', 50_000); // 100,000 bytes: a 64-bit length
        await page["name-input"].FillAsync(name);
        await page.GreetAsync($"Hello, {name}");
        await page["frame-last-in"].ClickAsync();
        await Assertions.Expect(page["frame-table"]).ToContainTextAsync(new Regex("100,?000"));
    }

    [GeneratedRegex("00 ?ff ?80 ?7f")]
    private static partial Regex BinaryEcho();

    [GeneratedRegex(@"Sec-WebSocket-Key:\s*(\S+)")]
    private static partial Regex KeyLine();

    [GeneratedRegex(@"Sec-WebSocket-Accept:\s*(\S+)")]
    private static partial Regex AcceptLine();
}

using System.Collections.Concurrent;
using System.Net.WebSockets;
using Microsoft.Playwright;
using Tandem.Sessions.Client;
using static Microsoft.Playwright.Assertions;

namespace Tandem.Browser.Tests;

/// <summary>The inspector of <c>tandem serve</c>, as who runs a server uses it.</summary>
public sealed class InspectorTests : IAsyncDisposable
{
    private const string Token = "correct-horse-battery";

    private readonly ConcurrentQueue<string> _requests = new();
    private readonly ConcurrentQueue<string> _errors = new();
    private TandemProcess? _tandem;
    private IPage? _page;
    private Uri _site = null!;

    public async ValueTask DisposeAsync()
    {
        if (_page is not null) await _page.Context.DisposeAsync();
        if (_tandem is not null) await _tandem.DisposeAsync();
    }

    [Fact]
    public async Task Figures_follow_what_happens_and_closing_a_connection_ends_it_with_the_code()
    {
        IPage page = await OpenAsync();
        using ClientWebSocket first = await ConnectAsync();
        using ClientWebSocket second = await ConnectAsync();
        await Expect(page.GetByTestId("figure-connections")).ToHaveTextAsync("2");
        await Expect(page.GetByTestId("connections").Locator("tbody tr")).ToHaveCountAsync(2);
        await page.GetByTestId("order").SelectOptionAsync("newest");
        ILocator row = page.GetByTestId("connections").Locator("tbody tr").First;
        await Expect(row).ToContainTextAsync("/chat");
        await Expect(row).ToContainTextAsync("Open");
        await row.GetByRole(AriaRole.Button).ClickAsync();
        // The question names the connection: whatever becomes of the table meanwhile, this is the one.
        await Expect(page.GetByTestId("dialog")).ToContainTextAsync("127.0.0.1:");
        await page.GetByTestId("code").SelectOptionAsync("1013");
        await page.GetByTestId("confirm").ClickAsync();
        await Expect(page.GetByTestId("announcer")).ToContainTextAsync("was told to close with 1013");

        Task<WebSocketReceiveResult> ofFirst = first.ReceiveAsync(new byte[10], CancellationToken.None);
        Task<WebSocketReceiveResult> ofSecond = second.ReceiveAsync(new byte[10], CancellationToken.None);
        Task<WebSocketReceiveResult> closed = await Task.WhenAny(ofFirst, ofSecond).InTime();
        WebSocketReceiveResult result = await closed;
        Assert.Equal((WebSocketMessageType.Close, (WebSocketCloseStatus)1013), (result.MessageType, result.CloseStatus));
        await (closed == ofFirst ? first : second).CloseAsync((WebSocketCloseStatus)1013, null, CancellationToken.None);
        await Expect(page.GetByTestId("figure-connections")).ToHaveTextAsync("1");
        await Expect(page.GetByTestId("closes").Locator("tbody tr")).ToContainTextAsync("1013");
        await Expect(page.GetByTestId("closes").Locator("tbody tr")).ToContainTextAsync("this server");
        Assert.Empty(_errors);
    }

    [Fact]
    public async Task It_can_be_paused_and_used_by_keyboard_alone()
    {
        IPage page = await OpenAsync();
        using ClientWebSocket socket = await ConnectAsync();
        await Expect(page.GetByTestId("connections-total")).ToHaveTextAsync("1");
        await page.GetByTestId("pause").FocusAsync();
        await page.Keyboard.PressAsync("Enter");
        await Expect(page.GetByTestId("state")).ToHaveTextAsync("Paused");
        await Expect(page.GetByTestId("announcer")).ToHaveTextAsync("Paused.");
        using ClientWebSocket other = await ConnectAsync();
        await page.Keyboard.PressAsync("Enter");
        await Expect(page.GetByTestId("connections-total")).ToHaveTextAsync("2");

        for (int i = 0; i < 40 && await page.EvaluateAsync<string>("document.activeElement.closest('td') ? 'row' : ''") != "row"; i++) await page.Keyboard.PressAsync("Tab");
        await page.Keyboard.PressAsync("Enter");
        await Expect(page.GetByTestId("dialog")).ToBeVisibleAsync();
        await page.Keyboard.PressAsync("Escape");
        await Expect(page.GetByTestId("dialog")).ToHaveCountAsync(0);
        Assert.Equal("row", await page.EvaluateAsync<string>("document.activeElement.closest('td') ? 'row' : ''"));
        await page.Keyboard.PressAsync("Enter");
        await page.GetByTestId("confirm").FocusAsync();
        await page.Keyboard.PressAsync("Enter");
        await Expect(page.GetByTestId("announcer")).ToContainTextAsync("was told to close with 1001");
    }

    [Fact]
    public async Task With_a_token_the_page_asks_for_it_and_never_puts_it_into_an_address()
    {
        IPage page = await OpenAsync($"--inspect-token {Token}");
        await Expect(page.GetByTestId("token")).ToBeVisibleAsync();
        Assert.Empty(await Accessibility.ViolationsAsync(page));
        await page.ScreenshotAsync(new PageScreenshotOptions { Path = Path.Combine(Repository.Screenshots, "inspect-locked.png"), FullPage = true });
        await page.GetByTestId("token").FillAsync("wrong");
        await page.GetByTestId("enter").ClickAsync();
        await Expect(page.GetByText("That is not the token.")).ToBeVisibleAsync();
        await page.GetByTestId("token").FillAsync(Token);
        await page.Keyboard.PressAsync("Enter");
        await Expect(page.GetByTestId("figure-connections")).ToHaveTextAsync("0");
        await page.ReloadAsync();
        await Expect(page.GetByTestId("figure-connections")).ToHaveTextAsync("0");
        Assert.DoesNotContain(_requests, address => address.Contains(Token, StringComparison.Ordinal));
        Assert.Equal("", await page.EvaluateAsync<string>("document.cookie")); // scripts do not see it
    }

    [Theory]
    [InlineData("en-US", 1280, 900, ColorScheme.Light, 320, 640, ColorScheme.Dark)]
    [InlineData("zh-CN", 390, 844, ColorScheme.Light, 3840, 2160, ColorScheme.Dark)]
    public async Task No_accessibility_violation_no_sideways_scrolling_no_request_elsewhere(
        string locale, int width, int height, ColorScheme scheme, int otherWidth, int otherHeight, ColorScheme otherScheme)
    {
        IPage page = await OpenAsync("", locale, width, height, scheme);
        var sockets = new List<ClientWebSocket>();
        for (int i = 0; i < 12; i++) sockets.Add(await ConnectAsync());
        await sockets[0].SendAsync("beston"u8.ToArray(), WebSocketMessageType.Text, true, CancellationToken.None);
        sockets[1].Abort();
        await using var session = new WebSocketSession(new Uri($"ws://{_site.Authority}/session/websocket"));
        await session.ConnectAsync();
        await session.SubscribeAsync("lab/looks");
        await using var links = new WebSocketSession(new Uri($"ws://{_site.Authority}/link/websocket"));
        await links.ConnectAsync();
        string id = Convert.ToBase64String(new byte[16]).TrimEnd('=');
        await links.OpenMailboxAsync($"ticket/{id}");
        await links.OpenMailboxAsync($"link/{id}");
        await Expect(page.GetByTestId("connections-total")).ToHaveTextAsync("13");
        await Expect(page.GetByTestId("link-sessions").Locator("tbody tr")).ToHaveCountAsync(1);
        await Expect(page.GetByTestId("tickets").Locator("tbody th")).ToHaveTextAsync($"{id[..6]}…");
        await Expect(page.GetByTestId("inboxes").Locator("tbody th")).ToHaveTextAsync($"{id[..6]}…");
        await Expect(page.GetByTestId("closes").Locator("tbody tr")).ToHaveCountAsync(1);
        await Expect(page.GetByTestId("sessions").Locator("tbody tr")).ToContainTextAsync(session.Id);
        await Expect(page.GetByTestId("topics").Locator("tbody tr")).ToContainTextAsync("lab/looks");
        var looks = new Looks(page, $"inspect-{locale[..2]}", new Look(width, height, scheme), new Look(otherWidth, otherHeight, otherScheme));
        await looks.SeeAsync("1");
        await page.GetByTestId("connections").GetByRole(AriaRole.Button).First.ClickAsync();
        await Expect(page.GetByTestId("dialog")).ToBeVisibleAsync();
        await looks.SeeAsync("2-dialog", whole: false);
        Assert.All(_requests, address => Assert.StartsWith(_site.GetLeftPart(UriPartial.Authority), address, StringComparison.Ordinal));
        Assert.Empty(_errors);
        foreach (ClientWebSocket socket in sockets) socket.Dispose();
    }

    [Theory]
    [InlineData("serve --inspect-token short")]
    [InlineData("serve --inspect-token ''")]
    public async Task A_token_that_is_none_is_named_in_one_line(string arguments)
    {
        (int exitCode, _, string error) = await TandemProcess.RunAsync(arguments);
        Assert.NotEqual(0, exitCode);
        Assert.Contains("--inspect-token: the token must be 16 to 256 printable characters of ASCII without a blank.", error, StringComparison.Ordinal);
    }

    private async Task<IPage> OpenAsync(string options = "", string locale = "en-US", int width = 1280, int height = 900, ColorScheme scheme = ColorScheme.Light)
    {
        IBrowserContext context = await Chromium.NewContextAsync(locale, width, height, scheme);
        (_tandem, string line) = await TandemProcess.StartAsync($"serve --port 0 {options}", "http://");
        _site = new Uri(line[line.IndexOf("http://", StringComparison.Ordinal)..]);
        IPage page = _page = await context.NewPageAsync();
        page.Request += (_, request) => _requests.Enqueue(request.Url);
        page.PageError += (_, error) => _errors.Enqueue(error);
        page.Console += (_, message) =>
        {
            if (message.Text.Contains("Content Security Policy", StringComparison.Ordinal)) _errors.Enqueue(message.Text);
        };
        await page.GotoAsync(new Uri(_site, "/inspect").ToString());
        return page;
    }

    private async Task<ClientWebSocket> ConnectAsync()
    {
        var socket = new ClientWebSocket();
        await socket.ConnectAsync(new Uri($"ws://{_site.Authority}/chat"), CancellationToken.None);
        return socket;
    }
}

using System.Net.WebSockets;
using System.Text;
using Microsoft.Playwright;
using Tandem.Tests.SignalR;

namespace Tandem.Browser.Tests;

/// <summary>Every sample, started as its README says and talked to.</summary>
public sealed class SampleTests
{
    [Fact]
    public async Task Echo_sends_back_what_it_is_sent()
    {
        (TandemProcess echo, string line) = await TandemProcess.StartSampleAsync("Echo", "0", "ws://");
        await using (echo)
        {
            using var socket = new ClientWebSocket();
            await socket.ConnectAsync(new Uri(line), default);
            await socket.SendAsync("sample"u8.ToArray(), WebSocketMessageType.Text, true, default);
            byte[] buffer = new byte[100];
            WebSocketReceiveResult received = await socket.ReceiveAsync(buffer, default);
            Assert.Equal("sample", Encoding.UTF8.GetString(buffer, 0, received.Count));
            await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, default);
        }
    }

    [Fact]
    public async Task A_page_and_a_NET_program_chat_with_each_other()
    {
        Assert.SkipUnless(Chromium.IsInstalled, "Chromium is not installed.");
        (TandemProcess chat, string line) = await TandemProcess.StartSampleAsync("MinimalChat", "--urls http://127.0.0.1:0", "Now listening on");
        await using (chat)
        {
            string address = line[line.IndexOf("http://", StringComparison.Ordinal)..];
            await using IBrowserContext context = await Chromium.NewContextAsync();
            IPage page = await context.NewPageAsync();
            await page.GotoAsync(address);
            await Assertions.Expect(page.Locator("#state")).ToHaveTextAsync("Connected");

            (TandemProcess console, _) = await TandemProcess.StartSampleAsync("ConsoleClient", $"{address.Replace("http", "ws", StringComparison.Ordinal)}/chat Ada", "Connected.");
            await using (console)
            {
                await console.TypeAsync("hello from .NET");
                await Assertions.Expect(page.Locator("#messages li")).ToHaveTextAsync("Ada: hello from .NET");
                Assert.Equal("Ada: hello from .NET", await console.ReadLineAsync());

                await page.FillAsync("#name", "Bob");
                await page.FillAsync("#text", "hello from the page");
                await page.PressAsync("#text", "Enter");
                Assert.Equal("Bob: hello from the page", await console.ReadLineAsync());
                await console.TypeAsync(null);
                Assert.Equal(0, await console.ExitCodeAsync());
            }
        }
    }

    [Fact]
    public async Task SignalR_pages_chat_over_our_WebSockets_and_come_back_when_the_server_does()
    {
        Assert.SkipUnless(Chromium.IsInstalled, "Chromium is not installed.");
        Assert.SkipUnless(HubApp.IsInstalled, "SignalR's client is not installed: npm ci in samples/SignalRChat.");
        (TandemProcess chat, string line) = await TandemProcess.StartSampleAsync("SignalRChat", $"--urls http://127.0.0.1:{Ports.Free()}", "Now listening on");
        string address = line[line.IndexOf("http://", StringComparison.Ordinal)..];
        await using IBrowserContext phone = await Chromium.NewContextAsync(width: 390, height: 844);
        await using IBrowserContext computer = await Chromium.NewContextAsync("zh-CN", scheme: ColorScheme.Dark);
        IPage ada = await phone.NewPageAsync(), bob = await computer.NewPageAsync();
        await using (chat)
        {
            IWebSocket socket = await ada.RunAndWaitForWebSocketAsync(() => ada.GotoAsync(address));
            Assert.Contains("/chat?id=", socket.Url, StringComparison.Ordinal);
            await bob.GotoAsync(address);
            await Assertions.Expect(ada.Locator("#state")).ToHaveTextAsync("Connected");
            await Assertions.Expect(bob.Locator("#state")).ToHaveTextAsync("已连接");
            await SayAsync(ada, "Ada", "hello");
            await Assertions.Expect(bob.Locator("#messages li")).ToHaveTextAsync(["Ada: hello"]);
            await SayAsync(bob, "小明", "你好");
            await Assertions.Expect(ada.Locator("#messages li")).ToHaveTextAsync(["Ada: hello", "小明: 你好"]);
            await ada.ScreenshotAsync(new PageScreenshotOptions { Path = Path.Combine(Repository.Screenshots, "signalr-chat-phone.png") });
            await bob.ScreenshotAsync(new PageScreenshotOptions { Path = Path.Combine(Repository.Screenshots, "signalr-chat-dark-zh.png") });

            // Whose WebSockets these are: the framework's middleware lets pages of other hosts in.
            using var stranger = new ClientWebSocket();
            stranger.Options.CollectHttpResponseDetails = true;
            stranger.Options.SetRequestHeader("Origin", "http://evil.example");
            await Assert.ThrowsAsync<WebSocketException>(() => stranger.ConnectAsync(new Uri($"{address.Replace("http", "ws", StringComparison.Ordinal)}/chat"), default));
            Assert.Equal(System.Net.HttpStatusCode.Forbidden, stranger.HttpStatusCode);
        }

        await Assertions.Expect(ada.Locator("#state")).ToHaveTextAsync("Not connected");
        (chat, _) = await TandemProcess.StartSampleAsync("SignalRChat", $"--urls {address}", "Now listening on");
        await using (chat)
        {
            await Assertions.Expect(ada.Locator("#state")).ToHaveTextAsync("Connected");
            await Assertions.Expect(bob.Locator("#state")).ToHaveTextAsync("已连接");
            await SayAsync(bob, "小明", "again");
            await Assertions.Expect(ada.Locator("#messages li").Last).ToHaveTextAsync("小明: again");
        }
    }

    private static async Task SayAsync(IPage page, string name, string text)
    {
        await page.FillAsync("#name", name);
        await page.FillAsync("#text", text);
        await page.PressAsync("#text", "Enter");
    }
}

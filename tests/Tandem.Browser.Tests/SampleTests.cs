using System.Net.WebSockets;
using System.Text;
using Microsoft.Playwright;

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
            using IPlaywright playwright = await Playwright.CreateAsync();
            await using IBrowser browser = await Chromium.LaunchAsync(playwright);
            IPage page = await browser.NewPageAsync(new BrowserNewPageOptions { Locale = "en-US" });
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
}

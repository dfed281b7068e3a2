using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using Microsoft.Playwright;
using Tandem.Cli.Tests;
using Tandem.Coap.Tests.Support;

namespace Tandem.Browser.Tests.Link;

/// <summary>The computer's real page and <c>tandem phone</c>, by CoAP over UDP: docs/mobile-server.md, with nothing in the place of either end or of what is between them.</summary>
public sealed class UdpPhoneTests
{
    private const int FileSize = 200_000;

    /// <param name="hasGateway">Whether the mobile server is a program of its own.</param>
    /// <param name="lossPercent">Of the datagrams of each direction; half as many are doubled, and held back behind the next.</param>
    [Theory]
    [InlineData(false, 0)]
    [InlineData(true, 0)]
    [InlineData(true, 20)]
    public async Task What_is_typed_said_and_sent_at_either_end_is_at_the_other(bool hasGateway, int lossPercent)
    {
        IBrowserContext context = await Chromium.NewContextAsync();
        // As PhoneProcess of the tests of the command line: with 2 s to each repetition, files through such a network take minutes.
        string timers = lossPercent == 0 ? "" : "--ack-timeout 20";
        (TandemProcess serve, string line) = await TandemProcess.StartAsync($"serve --port 0 {(hasGateway ? "--no-coap --known-proxy 127.0.0.1" : "--coap-port 0 " + timers)}", hasGateway ? "Tandem is at " : "coap://");
        await using (serve)
        {
            string home = new Uri((hasGateway ? line : await serve.ReadLineAsync()).Split(' ')[^1]).GetLeftPart(UriPartial.Authority);
            (TandemProcess? gateway, string phones) = hasGateway ? await TandemProcess.StartAsync($"gateway --hub ws://{new Uri(home).Authority} --coap-port 0 {timers}", "coap://") : (null, line);
            await using TandemProcess? itsEnd = gateway;
            int port = new Uri(phones.Split(' ')[^1]).Port;
            await using LossyProxy? network = lossPercent == 0 ? null : new LossyProxy(new IPEndPoint(IPAddress.Loopback, port), seed: 7, lossPercent, lossPercent / 2);
            using var directory = new TemporaryDirectory();
            await using LinkPage computer = await LinkPage.OpenAsync(context, home);
            await computer.SecretAsync();

            await using ConnectProcess phone = ConnectProcess.StartCommand(
                ["phone", "--server", $"coap://127.0.0.1:{network?.EndPoint.Port ?? port}", .. timers.Split(' ', StringSplitOptions.RemoveEmptyEntries), "--name", "a phone of few means",
                "--directory", directory.Path, "--accept", FileSize.ToString(CultureInfo.InvariantCulture), await computer.TextAsync("guid")]);
            await LinkAsync(computer, phone, home);
            await TalkAsync(computer, phone);
            await SendFilesAsync(computer, phone, directory);
            if (!hasGateway) await computer.ScreenshotAsync("link-computer-udp-phone");
            if (network is not null) Assert.All((long[])[network.Counts.Lost, network.Counts.Doubled, network.Counts.Held], count => Assert.True(count > 20, network.Counts.ToString()));

            await computer["unlink"].ClickAsync();
            Ended ended = await phone.ExitAsync();
            Assert.Equal((0, true), (ended.ExitCode, ended.Output.EndsWith("unlinked by the computer\n", StringComparison.Ordinal)));
            Assert.Empty(computer.Errors);
        }
    }

    [Fact]
    public async Task The_phone_that_unlinks_is_gone_at_once_from_the_page()
    {
        IBrowserContext context = await Chromium.NewContextAsync();
        (TandemProcess serve, string phones) = await TandemProcess.StartAsync("serve --port 0 --coap-port 0", "coap://");
        await using (serve)
        {
            string home = new Uri((await serve.ReadLineAsync()).Split(' ')[^1]).GetLeftPart(UriPartial.Authority);
            await using LinkPage computer = await LinkPage.OpenAsync(context, home);
            await computer.SecretAsync();
            await using ConnectProcess phone = ConnectProcess.StartCommand("phone", "--server", phones.Split(' ')[^1], await computer.TextAsync("guid"));
            await LinkAsync(computer, phone, home);
            await phone.TypeAsync("/unlink\n");
            await Assertions.Expect(computer.In("dead", "why", "unlinked")).ToBeVisibleAsync();
            Ended ended = await phone.ExitAsync();
            Assert.Equal((0, true), (ended.ExitCode, ended.Output.EndsWith("unlinked by this phone\n", StringComparison.Ordinal)));
        }
    }

    private static async Task LinkAsync(LinkPage computer, ConnectProcess phone, string home)
    {
        await phone.SeeOutputAsync($"asked: {home} wants to be linked");
        string number = await computer.TextAsync("number");
        await phone.SeeOutputAsync(" none\n");
        Assert.Contains(number, phone.Output.Split('\n').Single(line => line.StartsWith("choose: ", StringComparison.Ordinal)).Split(' '));
        await phone.TypeAsync($"{number}\n");
        await phone.SeeOutputAsync("linked");
        await computer.LinkedAsync();
    }

    private static async Task TalkAsync(LinkPage computer, ConnectProcess phone)
    {
        await Assertions.Expect(computer["heading"]).ToContainTextAsync("a phone of few means");
        // While it is typed: the phone has the beginning before the rest is there.
        await computer.TypeAsync("The meeting ");
        await phone.SeeOutputAsync("text: The meeting \n");
        await computer.Page.Keyboard.TypeAsync("is at 3, 三点钟 😀");
        await phone.SeeOutputAsync("text: The meeting is at 3, 三点钟 😀\n");
        await Assertions.Expect(computer["arrival"].And(computer.Page.Locator("[data-seen='true']"))).ToBeVisibleAsync();
        await computer["send"].ClickAsync();
        await phone.SeeOutputAsync("< The meeting is at 3, 三点钟 😀\n");

        await phone.TypeAsync("/text typed on the phone\n");
        await Assertions.Expect(computer["theirs"]).ToHaveTextAsync("typed on the phone");
        await phone.TypeAsync("one\n<b>two</b>\n三\n");
        await Assertions.Expect(computer["message"]).ToHaveCountAsync(4);
        // The latest is above.
        Assert.Equal(["三", "<b>two</b>", "one", "The meeting is at 3, 三点钟 😀"], await computer["message"].Locator(".said").AllInnerTextsAsync());
    }

    private static async Task SendFilesAsync(LinkPage computer, ConnectProcess phone, TemporaryDirectory directory)
    {
        byte[] down = RandomNumberGenerator.GetBytes(FileSize), up = RandomNumberGenerator.GetBytes(FileSize - 1);
        string sent = directory.File("from the phone.bin");
        await File.WriteAllBytesAsync(sent, up);
        // Both at the same time.
        await computer["files-input"].SetInputFilesAsync(new FilePayload { Name = "from the page.bin", MimeType = "", Buffer = down });
        await phone.TypeAsync($"/send {sent}\n");
        await phone.SeeOutputAsync("received: ");
        Assert.Equal(SHA256.HashData(down), SHA256.HashData(await File.ReadAllBytesAsync(Path.Combine(directory.Path, "from the page.bin"))));
        await phone.SeeOutputAsync("sent: from the phone.bin");
        await computer.Page.Locator("[data-testid=file][data-mine=false][data-state=done]").WaitForAsync();
        IDownload download = await computer.Page.RunAndWaitForDownloadAsync(() => computer["save"].And(computer.Page.Locator("[download='from the phone.bin']")).ClickAsync());
        Assert.Equal(SHA256.HashData(up), SHA256.HashData(await File.ReadAllBytesAsync(await download.PathAsync())));
    }
}

using System.Security.Cryptography;
using Microsoft.Playwright;

namespace Tandem.Browser.Tests.Link;

/// <summary>What people do with a link, in real browsers.</summary>
public sealed class LinkTests(TutorialSite site) : IClassFixture<TutorialSite>
{
    [Fact]
    public async Task What_is_typed_is_on_the_phone_at_once_also_what_an_input_method_is_still_composing()
    {
        await using LinkPair pair = await LinkPair.LinkAsync(site);
        (LinkPage computer, LinkPage phone) = (pair.Computer, pair.Phone);
        await Assertions.Expect(phone.Page).ToHaveURLAsync($"{site.Home}/phone");

        await computer.TypeAsync("Hello world");
        await Assertions.Expect(phone["theirs"]).ToHaveTextAsync("Hello world");
        for (int i = 0; i < 5; i++) await computer.Page.Keyboard.PressAsync("ArrowLeft");
        await computer.Page.Keyboard.TypeAsync("brave 😀 ");
        await Assertions.Expect(phone["theirs"]).ToHaveTextAsync("Hello brave 😀 world");
        await computer.Page.Keyboard.PressAsync("Backspace");
        await computer.Page.Keyboard.PressAsync("Backspace");
        await Assertions.Expect(phone["theirs"]).ToHaveTextAsync("Hello brave world");

        ICDPSession keyboard = await computer.Page.Context.NewCDPSessionAsync(computer.Page);
        await keyboard.SendAsync("Input.imeSetComposition", new Dictionary<string, object> { ["text"] = "ni hao", ["selectionStart"] = 6, ["selectionEnd"] = 6 });
        await Assertions.Expect(phone["composing"]).ToHaveTextAsync("ni hao");
        await Assertions.Expect(phone["theirs"]).ToHaveTextAsync("Hello brave ni haoworld");
        await keyboard.SendAsync("Input.insertText", new Dictionary<string, object> { ["text"] = "你好" });
        await Assertions.Expect(phone["composing"]).ToHaveCountAsync(0);
        await Assertions.Expect(phone["theirs"]).ToHaveTextAsync("Hello brave 你好world");

        await computer.Page.Keyboard.PressAsync("Control+A");
        await computer.Page.Keyboard.PressAsync("Delete");
        await Assertions.Expect(In(phone["theirs"], "empty", "true")).ToBeVisibleAsync();
        await computer.Page.Keyboard.PressAsync("Control+Z");
        await Assertions.Expect(phone["theirs"]).ToHaveTextAsync("Hello brave 你好world");
        await Assertions.Expect(In(computer["arrival"], "seen", "true")).ToBeVisibleAsync();

        await phone.TypeAsync("and back");
        await Assertions.Expect(computer["theirs"]).ToHaveTextAsync("and back");
    }

    [Fact]
    public async Task Messages_go_both_ways_as_text_and_the_clipboard_is_one_tap()
    {
        await using LinkPair pair = await LinkPair.LinkAsync(site);
        (LinkPage computer, LinkPage phone) = (pair.Computer, pair.Phone);
        foreach (LinkPage page in (LinkPage[])[computer, phone]) await page.Page.Context.GrantPermissionsAsync(["clipboard-read", "clipboard-write"]);

        await computer["enter-sends"].CheckAsync();
        await computer.TypeAsync("one");
        await computer.Page.Keyboard.PressAsync("Shift+Enter");
        await computer.Page.Keyboard.TypeAsync("<b>two</b>");
        await computer.Page.Keyboard.PressAsync("Enter");
        await Assertions.Expect(phone["message"].Locator(".said")).ToHaveTextAsync("one\n<b>two</b>", new LocatorAssertionsToHaveTextOptions { UseInnerText = true });
        await Assertions.Expect(In(phone["theirs"], "empty", "true")).ToBeVisibleAsync();
        await Assertions.Expect(In(computer["message"], "seen", "true")).ToBeVisibleAsync();
        // What was sent by mistake is one undo away.
        await computer.Page.Keyboard.PressAsync("Control+Z");
        await Assertions.Expect(computer["mine"]).ToHaveValueAsync("one\n<b>two</b>");

        await phone["message"].GetByRole(AriaRole.Button).ClickAsync();
        await phone["send-clipboard"].ClickAsync();
        await Assertions.Expect(computer["message"]).ToHaveCountAsync(2);
        await Assertions.Expect(computer["message"].First.Locator(".said")).ToHaveTextAsync("one\n<b>two</b>", new LocatorAssertionsToHaveTextOptions { UseInnerText = true });

        await phone.TypeAsync("Look: https://example.org/?a=b.");
        await phone["send"].ClickAsync();
        await Assertions.Expect(computer["message"].First.Locator(".said")).ToHaveTextAsync("Look: https://example.org/?a=b.");
        await Assertions.Expect(computer["message"].First.GetByRole(AriaRole.Link)).ToHaveAttributeAsync("href", "https://example.org/?a=b");
    }

    [Fact]
    public async Task A_file_goes_on_where_the_connection_was_cut_and_arrives_unchanged()
    {
        // 50 MB when asked for: the same, only longer.
        int size = int.Parse(Environment.GetEnvironmentVariable("TANDEM_LINK_FILE") ?? "6000000", System.Globalization.CultureInfo.InvariantCulture);
        await using var proxy = new CuttableProxy(new Uri(site.Home).Port);
        await using LinkPair pair = await LinkPair.LinkAsync(site, proxy.Address);
        (LinkPage computer, LinkPage phone) = (pair.Computer, pair.Phone);
        byte[] bytes = RandomNumberGenerator.GetBytes(size);
        using var directory = new TemporaryDirectory();
        string path = directory.File("a large file.bin");
        await File.WriteAllBytesAsync(path, bytes);

        var patience = new LocatorWaitForOptions { Timeout = 60_000 + size / 50 };
        await computer["files-input"].SetInputFilesAsync(path);
        await phone.Page.WaitForFunctionAsync("(n) => Number(document.querySelector('[data-testid=file]')?.dataset.moved) > n", size / 4, new PageWaitForFunctionOptions { Timeout = patience.Timeout });
        proxy.Cut();
        await phone.In("status", "condition", "reconnecting").WaitForAsync();
        proxy.Mend();
        await phone.In("file", "state", "done").WaitForAsync(patience);
        await computer.In("file", "state", "done").WaitForAsync(patience);

        IDownload download = await phone.Page.RunAndWaitForDownloadAsync(() => phone["save"].ClickAsync());
        Assert.Equal("a large file.bin", download.SuggestedFilename);
        Assert.Equal(SHA256.HashData(bytes), SHA256.HashData(await File.ReadAllBytesAsync(await download.PathAsync())));
    }

    [Fact]
    public async Task Photos_are_shown_names_are_made_harmless_and_what_is_cancelled_ends_at_both()
    {
        await using var proxy = new CuttableProxy(new Uri(site.Home).Port);
        await using LinkPair pair = await LinkPair.LinkAsync(site, proxy.Address);
        (LinkPage computer, LinkPage phone) = (pair.Computer, pair.Phone);
        byte[] photo = await phone.Page.ScreenshotAsync();
        await phone["photo-input"].SetInputFilesAsync(new FilePayload { Name = "../photo\u202Egnp.png", MimeType = "image/png", Buffer = photo });
        await Assertions.Expect(computer["preview"]).ToBeVisibleAsync();
        Assert.True(await computer["preview"].EvaluateAsync<bool>("async (image) => { await image.decode(); return image.naturalWidth > 0; }"));
        await Assertions.Expect(computer["save"]).ToHaveAttributeAsync("download", "photo_gnp.png");

        await phone["files-input"].SetInputFilesAsync(new FilePayload { Name = "page.html", MimeType = "text/html", Buffer = "<script>alert(1)</script>"u8.ToArray() });
        await Assertions.Expect(computer["save"]).ToHaveCountAsync(2);
        // Opened instead of saved, it is no page.
        Assert.Equal("application/octet-stream", await computer["save"].First.EvaluateAsync<string>("(link) => new Promise((resolve) => { const r = new XMLHttpRequest(); r.open('HEAD', link.href); r.onloadend = () => resolve(r.getResponseHeader('Content-Type') ?? 'application/octet-stream'); r.send(); })"));

        proxy.Cut();
        await phone.In("status", "condition", "reconnecting").WaitForAsync();
        await computer["files-input"].SetInputFilesAsync(new FilePayload { Name = "unwanted", MimeType = "", Buffer = new byte[1_000_000] });
        await computer["cancel"].ClickAsync();
        await Assertions.Expect(computer.In("file", "state", "0")).ToBeVisibleAsync();
        proxy.Mend();
        await phone.LinkedAsync();
        await Assertions.Expect(phone.In("file", "state", "0")).ToBeVisibleAsync();
    }

    [Fact]
    public async Task A_reload_of_each_side_and_a_phone_without_network_go_on_where_they_were()
    {
        await using var proxy = new CuttableProxy(new Uri(site.Home).Port);
        await using LinkPair pair = await LinkPair.LinkAsync(site, proxy.Address);
        (LinkPage computer, LinkPage phone) = (pair.Computer, pair.Phone);
        await computer.TypeAsync("kept");
        await computer["send"].ClickAsync();
        await computer.TypeAsync("draft");
        await Assertions.Expect(phone["theirs"]).ToHaveTextAsync("draft");

        await computer.Page.ReloadAsync();
        await computer.LinkedAsync();
        await Assertions.Expect(computer["mine"]).ToHaveValueAsync("draft");
        await Assertions.Expect(computer["message"]).ToHaveCountAsync(1);
        await computer.TypeAsync("draft!");
        await computer.Page.Keyboard.PressAsync("End");

        proxy.Cut();
        await phone.Page.Context.SetOfflineAsync(true);
        await phone.In("status", "condition", "reconnecting").WaitForAsync();
        await computer["mine"].FillAsync("typed meanwhile");
        await computer["send"].ClickAsync();
        await Assertions.Expect(computer.In("message", "seen", "false")).ToBeVisibleAsync();
        proxy.Mend();
        await phone.Page.Context.SetOfflineAsync(false);
        await phone.LinkedAsync();
        await Assertions.Expect(phone["message"]).ToHaveCountAsync(2);

        await phone.Page.ReloadAsync();
        await phone.LinkedAsync();
        await Assertions.Expect(phone["message"]).ToHaveCountAsync(2);
        await phone.TypeAsync("both are there");
        await Assertions.Expect(computer["theirs"]).ToHaveTextAsync("both are there");

        await phone["unlink"].ClickAsync();
        await Assertions.Expect(phone["idle"]).ToBeVisibleAsync();
        await Assertions.Expect(computer.In("dead", "why", "unlinked")).ToBeVisibleAsync();
        await computer["again"].ClickAsync();
        await computer.SecretAsync();
        Assert.Empty(await phone.Page.EvaluateAsync<string[]>("[...Object.keys(localStorage), ...Object.keys(sessionStorage)]"));
    }

    [Fact]
    public async Task A_file_whose_senders_page_was_loaded_anew_goes_on_when_it_is_picked_again()
    {
        await using var proxy = new CuttableProxy(new Uri(site.Home).Port);
        await using LinkPair pair = await LinkPair.LinkAsync(site, proxy.Address);
        (LinkPage computer, LinkPage phone) = (pair.Computer, pair.Phone);
        computer.Page.Dialog += (_, dialog) => _ = dialog.AcceptAsync();
        byte[] bytes = RandomNumberGenerator.GetBytes(3_000_000);
        var file = new FilePayload { Name = "half.bin", MimeType = "", Buffer = bytes };
        proxy.StallAfter(1_000_000);
        await computer["files-input"].SetInputFilesAsync(file);
        await phone.Page.WaitForFunctionAsync("() => Number(document.querySelector('[data-testid=file]')?.dataset.moved) > 200000");
        proxy.Cut();
        await phone.In("status", "condition", "reconnecting").WaitForAsync();
        await computer.Page.ReloadAsync();
        await Assertions.Expect(computer.In("file", "state", "lost")).ToBeVisibleAsync();
        proxy.Mend();
        await Assertions.Expect(phone.In("file", "state", "stopped")).ToContainTextAsync("picked again");
        string moved = (await phone["file"].GetAttributeAsync("data-moved"))!;
        await computer.ScreenshotAsync("link-file-lost");
        await phone.ScreenshotAsync("link-file-stopped");
        Assert.Empty(await computer.AccessibilityViolationsAsync());

        await computer["pick-again-input"].SetInputFilesAsync(new FilePayload { Name = "half.bin", MimeType = "", Buffer = new byte[10] });
        await Assertions.Expect(computer["not-the-same"]).ToBeVisibleAsync();
        Assert.Equal(moved, await phone["file"].GetAttributeAsync("data-moved"));
        await computer["pick-again-input"].SetInputFilesAsync(file);
        await phone.In("file", "state", "done").WaitForAsync();
        await computer.In("file", "state", "done").WaitForAsync();
        IDownload download = await phone.Page.RunAndWaitForDownloadAsync(() => phone["save"].ClickAsync());
        Assert.Equal(bytes, await File.ReadAllBytesAsync(await download.PathAsync()));
    }

    private static ILocator In(ILocator locator, string attribute, string value) => locator.And(locator.Page.Locator($"[data-{attribute}='{value}']"));
}

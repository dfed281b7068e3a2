using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Tandem.Link.Pairing;
using Tandem.Link.Protocol;

namespace Tandem.Cli.Tests.Phone;

/// <summary><c>tandem phone</c> against <c>tandem gateway</c> against <c>tandem serve</c>: docs/mobile-server.md.</summary>
public sealed class PhoneTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(4);

    [Fact]
    public async Task What_is_typed_and_said_at_either_end_is_at_the_other()
    {
        await using PhoneProcess all = await PhoneProcess.StartAsync();
        ConnectProcess phone = await all.LinkAsync("--name", "simulator");
        Assert.Equal("simulator", all.Computer.PhoneName);
        all.Computer.Converse(conversation => conversation.SetText("你好, \e[31mred"));
        await phone.SeeOutputAsync("text: 你好, \\x1B[31mred\n");
        await all.Computer.SayAsync("good morning");
        await phone.SeeOutputAsync("< good morning\n");
        await phone.TypeAsync("/text typed here\nsaid\n//slash\n/clipboard copied\n/nonsense\n");
        await Eventually.True(() => all.Computer.Texts.Contains("typed here"), "the phone's text");
        await Eventually.True(() => all.Computer.Chats.SequenceEqual(["said", "/slash", "clipboard copied"]), "three messages");
        await phone.SeeErrorAsync("there is no command /nonsense");
        Ended ended = await phone.EndAsync();
        Assert.Equal(0, ended.ExitCode);
        await Eventually.True(() => all.Computer.Log.Contains("ended Unlinked"), "the end");
    }

    [Fact]
    public async Task With_a_fifth_of_all_datagrams_lost_every_message_comes_once_and_in_order_and_files_are_whole()
    {
        await using PhoneProcess all = await PhoneProcess.StartAsync(lossPercent: 20);
        ConnectProcess phone = await all.LinkAsync();
        var clock = Stopwatch.StartNew();
        const int messages = 100;
        string[] mine = [.. Enumerable.Range(0, messages).Select(number => $"from the computer {number}")];
        string[] theirs = [.. Enumerable.Range(0, messages).Select(number => $"from the phone {number}")];
        Task typing = phone.TypeAsync(string.Concat(theirs.Select(line => line + "\n")));
        foreach (string line in mine) await all.Computer.SayAsync(line);
        await typing;
        await Eventually.True(() => all.Computer.Chats.Count >= messages, $"{messages} messages at the computer", Patience);
        Assert.Equal(theirs, all.Computer.Chats);
        await phone.SeeOutputAsync($"< {mine[^1]}\n");
        Assert.Equal(mine, phone.Output.Split('\n').Where(line => line.StartsWith("< ", StringComparison.Ordinal)).Select(line => line[2..]));

        TestContext.Current.TestOutputHelper?.WriteLine($"messages: {clock.Elapsed.TotalSeconds:0.0} s");
        byte[] file = RandomNumberGenerator.GetBytes(300_000), other = RandomNumberGenerator.GetBytes(300_001);
        string path = Path.Combine(all.Directory.Path, "outgoing.bin");
        await File.WriteAllBytesAsync(path, other, TestContext.Current.CancellationToken);
        all.Computer.Offer("../incoming.bin", file);
        await phone.TypeAsync($"/send {path}\n");
        await Eventually.True(() => all.Computer.Received.ContainsKey("outgoing.bin"), "the phone's file", Patience);
        Assert.Equal(SHA256.HashData(other), SHA256.HashData(all.Computer.Received["outgoing.bin"]));
        await Eventually.True(() => phone.Output.Contains("received: ", StringComparison.Ordinal), "the computer's file", Patience);
        Assert.Equal(SHA256.HashData(file), SHA256.HashData(await File.ReadAllBytesAsync(Path.Combine(all.Directory.Path, "incoming.bin"), TestContext.Current.CancellationToken)));
        TestContext.Current.TestOutputHelper?.WriteLine($"messages and files: {clock.Elapsed.TotalSeconds:0.0} s");
        (long lost, long doubled, long held) = all.Network!.Counts;
        Assert.All((long[])[lost, doubled, held], count => Assert.True(count > 100, $"{lost} lost, {doubled} doubled, {held} held back"));
        await phone.TypeAsync("/unlink\n");
        Assert.Equal(0, (await phone.ExitAsync()).ExitCode);
    }

    [Fact]
    public async Task A_wrong_number_ends_it_at_both_ends_with_exit_code_3()
    {
        await using PhoneProcess all = await PhoneProcess.StartAsync();
        ConnectProcess phone = all.StartPhone(all.Computer.Code);
        await all.PickAsync(phone, ours => PhoneProcess.Choices(phone).First(number => number != ours).ToString("00", System.Globalization.CultureInfo.InvariantCulture));
        Ended ended = await phone.ExitAsync();
        Assert.Equal(3, ended.ExitCode);
        Assert.DoesNotContain("linked\n", ended.Output, StringComparison.Ordinal);
        await Eventually.True(() => all.Computer is { State: ComputerPairingState.Dead, EndedWith: EndCode.WrongNumber }, "the computer's alarm");
    }

    [Fact]
    public async Task A_code_that_nobody_shows_is_exit_code_2_and_what_is_no_code_is_1()
    {
        await using PhoneProcess all = await PhoneProcess.StartAsync();
        ConnectProcess unknown = all.StartPhone(Guid.NewGuid().ToString());
        Ended ended = await unknown.ExitAsync();
        Assert.Equal((2, true), (ended.ExitCode, ended.Error.Contains("this code is no longer valid", StringComparison.Ordinal)));
        ConnectProcess nonsense = all.StartPhone();
        await nonsense.TypeAsync("nonsense\n");
        Assert.Equal(1, (await nonsense.ExitAsync()).ExitCode);
    }

    [Fact]
    public async Task Where_nobody_listens_it_ends_at_once_with_exit_code_2()
    {
        int port = Ports.Free(ProtocolType.Udp);
        await using ConnectProcess phone = ConnectProcess.StartCommand("phone", "--server", $"coap://127.0.0.1:{port}", Guid.NewGuid().ToString());
        Ended ended = await phone.ExitAsync();
        Assert.Equal((2, true), (ended.ExitCode, ended.Error.Contains($"tandem: nobody listens at 127.0.0.1:{port}", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Where_nobody_answers_it_says_so_and_goes_on_until_it_is_interrupted()
    {
        using Socket silent = Bind();
        await using ConnectProcess phone = ConnectProcess.StartCommand("phone", "--server", $"coap://{silent.LocalEndPoint}", Guid.NewGuid().ToString());
        await phone.SeeErrorAsync($"no answer from {silent.LocalEndPoint} so far; trying again");
        phone.Signal("INT");
        Assert.Equal(130, (await phone.ExitAsync()).ExitCode);
    }

    [Fact]
    public async Task The_code_may_be_piped_as_an_address_and_the_computer_may_unlink()
    {
        await using PhoneProcess all = await PhoneProcess.StartAsync();
        ConnectProcess phone = all.StartPhone();
        await phone.TypeAsync($" {all.Server}phone#{all.Computer.Code.ToUpperInvariant()} \n");
        await all.PickAsync(phone, ours => $"{ours:00}");
        await phone.SeeOutputAsync("linked");
        await Eventually.True(() => all.Computer.State == ComputerPairingState.Linked, "a link");
        all.Computer.Converse(conversation => conversation.End(EndCode.Unlinked));
        Ended ended = await phone.ExitAsync();
        Assert.Equal((0, true), (ended.ExitCode, ended.Output.EndsWith("unlinked by the computer\n", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData(EndCode.Replaced, "", "the link has ended: this phone has linked with the computer again, and the link goes on there")]
    [InlineData(EndCode.ProtocolError, "a reason", "the link has ended: a message broke a rule of the protocol: a reason")]
    public async Task An_end_that_nobody_wanted_is_told_in_words_with_exit_code_3(EndCode code, string reason, string expected)
    {
        await using PhoneProcess all = await PhoneProcess.StartAsync();
        ConnectProcess phone = await all.LinkAsync();
        await Eventually.True(() => all.Computer.State == ComputerPairingState.Linked, "a link");
        all.Computer.Converse(conversation => conversation.End(code, reason));
        Ended ended = await phone.ExitAsync();
        Assert.Equal(3, ended.ExitCode);
        Assert.Contains($"{expected}\n", ended.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_gateway_that_begins_anew_in_the_middle_loses_nothing()
    {
        await using PhoneProcess all = await PhoneProcess.StartAsync();
        ConnectProcess phone = await all.LinkAsync();
        List<string> mine = [], theirs = [];
        async Task SayAsync(int number)
        {
            mine.Add($"computer {number}");
            theirs.Add($"phone {number}");
            await all.Computer.SayAsync(mine[^1]);
            await phone.TypeAsync(theirs[^1] + "\n");
        }

        for (int number = 0; number < 20; number++) await SayAsync(number);
        await all.StopGatewayAsync();
        for (int number = 20; number < 40; number++) await SayAsync(number);
        await phone.SeeErrorAsync("nobody listens at 127.0.0.1");
        await all.StartGatewayAsync();
        for (int number = 40; number < 60; number++) await SayAsync(number);
        await phone.SeeOutputAsync($"< {mine[^1]}\n");
        await Eventually.True(() => all.Computer.Chats.Count >= theirs.Count, "all messages", Patience);
        Assert.Equal(theirs, all.Computer.Chats);
        Assert.Equal(mine, phone.Output.Split('\n').Where(line => line.StartsWith("< ", StringComparison.Ordinal)).Select(line => line[2..]));
        await Eventually.True(() => phone.Error.EndsWith("connected\n", StringComparison.Ordinal), "the end of what it says beside");
    }

    [Fact]
    public async Task How_long_a_keystroke_takes_to_the_phone()
    {
        await using PhoneProcess all = await PhoneProcess.StartAsync();
        ConnectProcess phone = await all.LinkAsync();
        const int keystrokes = 250;
        long[] typed = new long[keystrokes + 1], shown = new long[keystrokes + 1];
        phone.OnOutput = output =>
        {
            // Each state is a line whose length says how much was typed; some are passed over when they come together.
            foreach (string line in output.Split('\n'))
            {
                if (line.StartsWith("text: ", StringComparison.Ordinal) && line.Length - 6 is var length && length <= keystrokes && shown[length] == 0) shown[length] = Stopwatch.GetTimestamp();
            }
        };
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        for (int length = 1; length <= keystrokes; length++)
        {
            await timer.WaitForNextTickAsync(TestContext.Current.CancellationToken);
            typed[length] = Stopwatch.GetTimestamp();
            string text = new('a', length);
            all.Computer.Converse(conversation => conversation.SetText(text));
        }

        await phone.SeeOutputAsync($"text: {new string('a', keystrokes)}\n");
        double[] milliseconds = [.. Enumerable.Range(1, keystrokes).Where(length => shown[length] != 0).Select(length => Stopwatch.GetElapsedTime(typed[length], shown[length]).TotalMilliseconds).Order()];
        TestContext.Current.TestOutputHelper?.WriteLine(
            $"{milliseconds.Length} of {keystrokes} states shown; p50 {milliseconds[milliseconds.Length / 2]:0.0} ms, p99 {milliseconds[milliseconds.Length * 99 / 100]:0.0} ms, most {milliseconds[^1]:0.0} ms");
    }

    private static Socket Bind()
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return socket;
    }
}

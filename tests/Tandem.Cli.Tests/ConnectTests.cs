using System.Net.WebSockets;
using Tandem.WebSockets;
using Tandem.WebSockets.Tests.Client;

namespace Tandem.Cli.Tests;

/// <summary><c>tandem connect</c> in a pipe: what goes in, what comes out on which stream, and the exit code.</summary>
public sealed class ConnectTests
{
    [Fact]
    public async Task A_line_goes_out_and_its_answer_comes_back_before_the_close()
    {
        await using var server = new EchoServer();
        Ended run = await ConnectProcess.RunAsync("hi\n", server.Url);
        Assert.Equal((0, "hi\n"), (run.ExitCode, run.Output));
        Assert.Equal(
            [$"connected to {server.Url}", "status: 101 Switching Protocols", "subprotocol: none", "extensions: permessage-deflate", "closed by this end: 1000 (normal closure)", ""],
            run.Error.Split('\n'));
        Assert.Equal((CloseInitiator.Peer, WebSocketCloseStatus.NormalClosure), ((await server.Closed).Initiator, (await server.Closed).Status));
    }

    [Fact]
    public async Task Lines_are_text_and_commands_begin_with_a_slash()
    {
        await using var server = new EchoServer();
        Ended run = await ConnectProcess.RunAsync("one\r\n\n//two\n/binary 48 65 6C6c 6f\n/help\nthree ü漢\U0001F600", server.Url, "--wait", "0");
        Assert.Equal(["one", "", "/two", "48656C6C6F", "three ü漢\U0001F600"], server.Messages);
        // Without waiting too: what comes before the answer to the close is printed.
        Assert.Equal((0, "one\n\n/two\nbinary: 48 65 6c 6c 6f\nthree ü漢\U0001F600\n"), (run.ExitCode, run.Output));
        foreach (string command in (string[])["/binary HEX", "/ping [TEXT]", "/close [CODE] [REASON]", "//text", "/help"]) Assert.Contains(command, run.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/ping\n")]
    [InlineData("/ping are you there\n")]
    public async Task A_ping_shows_the_round_trip(string line)
    {
        await using var server = new EchoServer();
        await using ConnectProcess process = ConnectProcess.Start(server.Url);
        await process.TypeAsync(line);
        await process.SeeErrorAsync("\npong after ");
        Ended run = await process.EndAsync();
        Assert.Matches(@"\npong after [0-9.]+ ms\n", run.Error);
        Assert.Equal((0, ""), (run.ExitCode, run.Output));
    }

    [Fact]
    public async Task Close_takes_a_code_and_a_reason_and_nothing_is_sent_behind_it()
    {
        await using var server = new EchoServer();
        await using ConnectProcess process = ConnectProcess.Start(server.Url);
        await process.TypeAsync("/close 4000 see you\nnever\n");
        Ended run = await process.ExitAsync();
        Assert.Equal(0, run.ExitCode);
        Assert.EndsWith("\nclosed by this end: 4000 (the application's own code), \"see you\"\n", run.Error, StringComparison.Ordinal);
        Assert.Equal(((WebSocketCloseStatus)4000, "see you"), ((await server.Closed).Status, (await server.Closed).Reason));
        Assert.Empty(server.Messages);
    }

    [Fact]
    public async Task Close_with_1005_sends_no_code_which_is_what_1005_means()
    {
        await using var server = new EchoServer();
        Ended run = await ConnectProcess.RunAsync("/close 1005\n", server.Url, "--wait", "0");
        Assert.Equal(0, run.ExitCode);
        Assert.EndsWith("\nclosed by this end: 1005 (no code)\n", run.Error, StringComparison.Ordinal);
        Assert.Equal(WebSocketCloseStatus.Empty, (await server.Closed).Status);
    }

    [Theory]
    [InlineData("/nope", "there is no command /nope; /help names them")]
    [InlineData("/binary 4", "/binary takes pairs of hexadecimal digits")]
    [InlineData("/binary 4x", "/binary takes pairs of hexadecimal digits")]
    [InlineData("/close now", "/close takes a number such as 1000")]
    [InlineData("/close 1006", "the close code 1006 must not be sent")]
    [InlineData("/close 70000", "/close takes a number such as 1000")]
    [InlineData("\u00ff", "the line is not UTF-8")]
    public async Task A_line_that_cannot_be_sent_ends_a_script(string line, string expected)
    {
        await using var server = new EchoServer();
        await using ConnectProcess process = ConnectProcess.Start(server.Url);
        await process.TypeAsync(Wire.Ascii($"before\n{line}\nafter\n"));
        Ended run = await process.ExitAsync();
        Assert.Equal((1, "before\n"), (run.ExitCode, run.Output));
        Assert.Contains($"\ntandem: ", run.Error, StringComparison.Ordinal);
        Assert.Contains(expected, run.Error, StringComparison.Ordinal);
        Assert.Equal(["before"], server.Messages);
        Assert.Equal(WebSocketCloseStatus.NormalClosure, (await server.Closed).Status);
    }

    [Theory]
    [InlineData(126, "/ping ", "at most 125 bytes")]
    [InlineData(124, "/close 1000 ", "more than 123 bytes")]
    [InlineData((16 << 20) + 1, "", "a line is longer than 16 MiB")]
    public async Task What_is_too_long_is_not_sent(int length, string command, string expected)
    {
        await using var server = new EchoServer();
        Ended run = await ConnectProcess.RunAsync(command + new string('x', length) + "\n", server.Url);
        Assert.Equal(1, run.ExitCode);
        Assert.Contains(expected, run.Error, StringComparison.Ordinal);
        Assert.Empty(server.Messages);
    }

    [Fact]
    public async Task A_long_message_goes_through_whole()
    {
        await using var server = new EchoServer();
        string text = string.Concat(Enumerable.Range(0, 300_000).Select(i => $"{i}é漢"));
        Ended run = await ConnectProcess.RunAsync(text + "\n", server.Url, "--wait", "0");
        Assert.Equal(0, run.ExitCode);
        Assert.True(text + "\n" == run.Output, "The text differs.");
    }

    [Fact]
    public async Task Long_binary_messages_are_dumped_with_offsets()
    {
        await using var server = new EchoServer();
        string hex = string.Concat(Enumerable.Range(0x40, 34).Select(i => $"{i:x2}"));
        Ended run = await ConnectProcess.RunAsync($"/binary {hex}\n/binary\n/binary {hex[..32]}\n", server.Url, "--wait", "0");
        Assert.Equal(
            """
            binary:
            00000000  40 41 42 43 44 45 46 47  48 49 4a 4b 4c 4d 4e 4f  |@ABCDEFGHIJKLMNO|
            00000010  50 51 52 53 54 55 56 57  58 59 5a 5b 5c 5d 5e 5f  |PQRSTUVWXYZ[\]^_|
            00000020  60 61                                             |`a|
            00000022
            binary, empty
            binary: 40 41 42 43 44 45 46 47 48 49 4a 4b 4c 4d 4e 4f

            """,
            run.Output);
    }

    [Fact]
    public async Task What_the_options_say_is_in_the_request_and_what_is_agreed_on_is_shown()
    {
        string head = "";
        await using ScriptedServer server = ScriptedServer.Start(async peer =>
        {
            head = await peer.ReadHead();
            await peer.Send(ScriptedPeer.Switching(head, "Sec-WebSocket-Protocol: two", "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover"));
            await peer.Send([0x88, 2, 3, 0xE8]);
            await peer.End();
        });
        Ended run = await ConnectProcess.RunAsync(
            "", server.Uri("/path?q=1").ToString(), "--subprotocol", "one", "--subprotocol", "two", "--header", "X-A: 1", "--header", "X-B:2: 3 ", "--origin", "https://example.org");
        Assert.StartsWith("GET /path?q=1 HTTP/1.1\r\n", head, StringComparison.Ordinal);
        foreach (string line in (string[])["Sec-WebSocket-Protocol: one, two", "X-A: 1", "X-B: 2: 3", "Origin: https://example.org"]) Assert.Contains($"\r\n{line}\r\n", head, StringComparison.Ordinal);
        Assert.Contains("\nsubprotocol: two\nextensions: permessage-deflate; server_no_context_takeover\n", run.Error, StringComparison.Ordinal);
        Assert.Equal(0, run.ExitCode);
        Assert.EndsWith("\nclosed by the server: 1000 (normal closure)\n", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task No_deflate_offers_none()
    {
        await using var server = new EchoServer();
        Ended run = await ConnectProcess.RunAsync("", server.Url, "--no-deflate", "--subprotocol", "chat", "--wait", "0");
        Assert.Contains("\nsubprotocol: chat\nextensions: none\n", run.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", "Required argument 'url' missing")]
    [InlineData("http://127.0.0.1/", "'http://127.0.0.1/' is not a ws:// or wss:// URL.")]
    [InlineData("nonsense", "'nonsense' is not a ws:// or wss:// URL.")]
    [InlineData("ws://127.0.0.1:1/#x", "A WebSocket URI has no fragment")]
    [InlineData("ws://127.0.0.1:1/ --header nocolon", "--header: 'nocolon' is not \"Name: value\".")]
    [InlineData("ws://127.0.0.1:1/ --header Host:x", "Host is written by the handshake itself (RFC 6455 section 4.1).")]
    [InlineData("ws://127.0.0.1:1/ --subprotocol a,b", "\"a,b\" is not a token (RFC 6455 section 4.1)")]
    [InlineData("ws://127.0.0.1:1/ --subprotocol a --subprotocol a", "must be distinct")]
    [InlineData("ws://127.0.0.1:1/ --wait soon", "--wait: 'soon' is not a number of seconds from 0 to 86400.")]
    [InlineData("ws://127.0.0.1:1/ --wait -1", "--wait: '-1' is not a number of seconds from 0 to 86400.")]
    [InlineData("ws://127.0.0.1:1/ --max-message -1", "--max-message: '-1' is not a number from 0 to 2147483647.")]
    [InlineData("ws://127.0.0.1:1/ --colour", "'--colour'")]
    public async Task Wrong_arguments_are_named_and_nothing_is_connected(string arguments, string expected)
    {
        Ended run = await ConnectProcess.RunAsync("", arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries));
        Assert.Equal((1, ""), (run.ExitCode, run.Output.Trim()));
        Assert.Contains(expected, run.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("Parameter", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_refusal_shows_status_fields_of_interest_and_the_start_of_the_body_all_harmless()
    {
        await using ScriptedServer server = ScriptedServer.AnsweringAnything(
            "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"r\"\r\nX-Other: no\r\nContent-Type: text/plain\r\nContent-Length: 25\r\n\r\nfirst \x1B]0;owned\a\nsecond é\n");
        Ended run = await ConnectProcess.RunAsync("", server.Uri().ToString().Replace("ws://", "ws://me:secret@", StringComparison.Ordinal));
        Assert.Equal((2, ""), (run.ExitCode, run.Output));
        Assert.Contains($"tandem: no connection to {server.Uri()}: The server refused the handshake with status 401", run.Error, StringComparison.Ordinal);
        Assert.Contains("\nstatus: 401\nWWW-Authenticate: Basic realm=\"r\"\nContent-Type: text/plain\nbody:\n  first \\x1B]0;owned\\x07\n  second ", run.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("X-Other", run.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Where_nobody_listens_there_is_one_line()
    {
        Ended run = await ConnectProcess.RunAsync("", "ws://127.0.0.1:1/");
        Assert.Equal((2, "", "tandem: no connection to ws://127.0.0.1:1/: No connection could be made: 127.0.0.1:1: Connection refused\n"), (run.ExitCode, run.Output, run.Error));
    }

    public static TheoryData<string, byte[], int, string> Ends => new()
    {
        { "going away", [0x88, 2, 3, 0xE9], 0, "closed by the server: 1001 (going away)" },
        { "no code", [0x88, 0], 0, "closed by the server: 1005 (no code)" },
        { "an error", [0x88, 6, 3, 0xF3, .. "boom"u8], 3, "closed by the server: 1011 (internal error), \"boom\"" },
        { "a reason that is no good for a terminal", [0x88, 3, 0x0F, 0xA0, 0x1B], 3, "closed by the server: 4000 (the application's own code), \"\\x1B\"" },
        { "the end of TCP", [], 3, "tandem: the connection is lost: 1006 (no close frame). The transport ended without a closing handshake." },
        { "a broken rule", [0x83, 0], 3, "tandem: the server broke a rule. RFC 6455 section 5.2: the opcode is reserved. Closed with 1002 (protocol error)." },
        { "too large a message", [0x81, 126, 3, 0xE9], 3, "--max-message says how large a message may be. Closed with 1009 (message too big)." },
    };

    [Theory]
    [MemberData(nameof(Ends))]
    public async Task The_end_is_told_with_its_code_its_name_its_reason_and_who_it_was(string what, byte[] frame, int exitCode, string expected)
    {
        await using ScriptedServer server = ScriptedServer.Start(async peer =>
        {
            await peer.Send(ScriptedPeer.Switching(await peer.ReadHead()));
            await peer.Send([0x81, 2, (byte)'o', (byte)'k', .. frame]);
            if (frame.Length != 0) await peer.End();
        });
        await using ConnectProcess process = ConnectProcess.Start(server.Uri().ToString(), "--max-message", "1000");
        Ended run = await process.ExitAsync();
        Assert.True(run.ExitCode == exitCode, $"{what}: {run.ExitCode}, {run.Error}");
        Assert.EndsWith(expected + "\n", run.Error, StringComparison.Ordinal);
        Assert.Equal("ok\n", run.Output);
    }

    [Fact]
    public async Task After_the_end_of_input_answers_are_waited_for_so_long_and_the_server_may_end_it_sooner()
    {
        var asked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using ScriptedServer server = ScriptedServer.Start(async peer =>
        {
            await peer.Send(ScriptedPeer.Switching(await peer.ReadHead()));
            await peer.Stream.ReadExactlyAsync(new byte[8]); // the masked frame of "hi"
            asked.SetResult();
            await peer.Send([0x81, 2, (byte)'y', (byte)'o', 0x88, 2, 3, 0xE8]);
            await peer.End();
        });
        Ended run = await ConnectProcess.RunAsync("hi\n", server.Uri().ToString(), "--no-deflate", "--wait", "3600");
        await asked.Task.InTime();
        Assert.Equal((0, "yo\n"), (run.ExitCode, run.Output));
    }

    [Theory]
    [InlineData("INT", WebSocketCloseStatus.NormalClosure)]
    [InlineData("TERM", WebSocketCloseStatus.EndpointUnavailable)]
    public async Task A_signal_closes_in_order(string signal, WebSocketCloseStatus code)
    {
        await using var server = new EchoServer();
        await using ConnectProcess process = ConnectProcess.Start(server.Url);
        await process.TypeAsync("hello\n");
        await process.SeeOutputAsync("hello\n");
        process.Signal(signal);
        Assert.Equal(0, (await process.ExitAsync()).ExitCode);
        Assert.Equal((CloseInitiator.Peer, code), ((await server.Closed).Initiator, (await server.Closed).Status));
    }

    [Fact]
    public async Task A_second_signal_aborts_where_the_server_does_not_answer_the_close()
    {
        var closing = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using ScriptedServer server = ScriptedServer.Start(async peer =>
        {
            await peer.Send(ScriptedPeer.Switching(await peer.ReadHead()));
            await peer.Stream.ReadExactlyAsync(new byte[8]);
            closing.SetResult();
            await peer.Silence();
        });
        await using ConnectProcess process = ConnectProcess.Start(server.Uri().ToString());
        await process.SeeErrorAsync("connected");
        process.Signal("INT");
        await closing.Task.InTime();
        process.Signal("INT");
        Assert.Equal(130, (await process.ExitAsync()).ExitCode);
    }

    [Fact]
    public async Task A_signal_while_connecting_gives_up()
    {
        var connected = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using ScriptedServer server = ScriptedServer.Start(async peer =>
        {
            await peer.ReadHead();
            connected.SetResult();
            await peer.Silence();
        });
        await using ConnectProcess process = ConnectProcess.Start(server.Uri().ToString());
        await connected.Task.InTime();
        process.Signal("INT");
        Assert.Equal(130, (await process.ExitAsync()).ExitCode);
    }

    [Fact]
    public async Task When_nobody_reads_the_output_any_more_it_closes()
    {
        await using var server = new EchoServer();
        await using ConnectProcess process = ConnectProcess.InShell($"tandem connect {server.Url} | {{ head -n 1; exec <&-; echo nobody reads >&2; }}");
        await process.TypeAsync("first\n");
        await process.SeeOutputAsync("first\n");
        await process.SeeErrorAsync("nobody reads");
        await process.TypeAsync("more\n");
        Assert.Equal(WebSocketCloseStatus.NormalClosure, (await server.Closed).Status);
        await process.ExitAsync();
    }

    [Fact]
    public async Task Insecure_accepts_any_certificate_and_says_so_loudly()
    {
        await using ScriptedServer server = ScriptedServer.StartTls(Certificates.Server, async peer =>
        {
            await peer.Send(ScriptedPeer.Switching(await peer.ReadHead()));
            await peer.Send([0x88, 2, 3, 0xE8]);
            await peer.End();
        });
        string url = server.Uri(scheme: "wss").ToString();
        Ended refused = await ConnectProcess.RunAsync("", url);
        Assert.Equal(2, refused.ExitCode);
        Assert.Contains("The TLS handshake failed: The remote certificate is invalid", refused.Error, StringComparison.Ordinal);
        Ended run = await ConnectProcess.RunAsync("", url, "--insecure");
        Assert.Equal(0, run.ExitCode);
        Assert.StartsWith("WARNING: --insecure: the server's certificate is NOT checked.", run.Error, StringComparison.Ordinal);
    }
}

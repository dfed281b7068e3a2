using System.Net.WebSockets;
using Tandem.WebSockets;
using Tandem.WebSockets.Tests.Client;

namespace Tandem.Cli.Tests;

/// <summary><c>tandem connect</c> in a terminal, where a person types and control characters would do something.</summary>
public sealed class ConnectTerminalTests
{
    private const string CtrlC = "\x03";
    private const string CtrlD = "\x04";

    private static readonly (string, string) NoColour = ("NO_COLOR", "1");

    [Fact]
    public async Task A_conversation()
    {
        await using var server = new EchoServer();
        await using ConnectProcess terminal = ConnectProcess.InTerminal(server.Url, NoColour);
        await terminal.SeeOutputAsync("/help shows what else there is");
        await terminal.TypeAsync("hello\n");
        await terminal.SeeOutputAsync("< hello\r\n");
        // A wrong line is told, and the person goes on.
        await terminal.TypeAsync("/nope\n");
        await terminal.SeeOutputAsync("tandem: there is no command /nope");
        await terminal.TypeAsync("/binary 01ff\n");
        await terminal.SeeOutputAsync("< binary: 01 ff\r\n");
        await terminal.TypeAsync(CtrlD);
        Ended run = await terminal.ExitAsync();
        Assert.Equal(0, run.ExitCode);
        Assert.Contains("closed by this end: 1000 (normal closure)", run.Output, StringComparison.Ordinal);
        Assert.DoesNotContain('\e', run.Output);
        Assert.Equal(["hello", "01FF"], server.Messages);
    }

    [Fact]
    public async Task Ctrl_C_closes_in_order()
    {
        await using var server = new EchoServer();
        await using ConnectProcess terminal = ConnectProcess.InTerminal(server.Url, NoColour);
        await terminal.SeeOutputAsync("/help shows what else there is");
        await terminal.TypeAsync(CtrlC);
        Assert.Equal(0, (await terminal.ExitAsync()).ExitCode);
        Assert.Equal((CloseInitiator.Peer, WebSocketCloseStatus.NormalClosure), ((await server.Closed).Initiator, (await server.Closed).Status));
    }

    [Fact]
    public async Task Text_of_a_stranger_does_nothing_to_the_terminal()
    {
        await using ScriptedServer server = ScriptedServer.Start(async peer =>
        {
            await peer.Send(ScriptedPeer.Switching(await peer.ReadHead()));
            byte[] text = System.Text.Encoding.UTF8.GetBytes("\e[2J\e]0;owned\a \r\b\x7F\u009B31m \u202Eevil\u2066 tab\tline\nnext é漢\U0001F600");
            await peer.Send([0x81, (byte)text.Length, .. text, 0x88, 2, 3, 0xE8]);
            await peer.End();
        });
        await using ConnectProcess terminal = ConnectProcess.InTerminal(server.Uri().ToString(), NoColour);
        Ended run = await terminal.ExitAsync();
        Assert.Contains(
            "< \\x1B[2J\\x1B]0;owned\\x07 \\x0D\\x08\\x7F\\x9B31m \\u202Eevil\\u2066 tab\tline\r\nnext é漢\U0001F600\r\n", run.Output, StringComparison.Ordinal);
        Assert.DoesNotContain('\e', run.Output);
    }

    [Fact]
    public async Task Colours_are_for_terminals()
    {
        await using var server = new EchoServer();
        await using ConnectProcess terminal = ConnectProcess.InTerminal(server.Url);
        await terminal.SeeOutputAsync("/help shows what else there is");
        await terminal.TypeAsync("hello\n");
        await terminal.SeeOutputAsync("\e[36m<\e[0m hello\r\n");
        await terminal.TypeAsync("/nope\n");
        await terminal.SeeOutputAsync("\e[31mtandem: there is no command /nope");
        await terminal.TypeAsync(CtrlD);
        Assert.Contains("\e[2mclosed by this end", (await terminal.ExitAsync()).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task In_a_pipe_text_goes_byte_for_byte_and_without_colours()
    {
        await using var server = new EchoServer();
        Ended run = await ConnectProcess.RunAsync("\e[31mred\t\u009B\n", server.Url);
        Assert.Equal("\e[31mred\t\u009B\n", run.Output);
        Assert.DoesNotContain('\e', run.Error);
    }
}

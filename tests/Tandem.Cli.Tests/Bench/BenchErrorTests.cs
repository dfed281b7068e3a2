using System.Net;
using System.Net.WebSockets;
using System.Text.Json;
using Tandem.Browser.Tests;
using Tandem.WebSockets;
using Tandem.WebSockets.Tests.Client;

namespace Tandem.Cli.Tests.Bench;

/// <summary>What goes wrong with a server under <c>tandem bench</c> is counted by cause, and the exit code says that there was something.</summary>
public sealed class BenchErrorTests
{
    [Fact]
    public async Task A_port_where_nobody_listens_is_exit_code_2()
    {
        (int exitCode, JsonElement result) = await Run("ws://127.0.0.1:1/ --connections 3 --duration 0.2");
        Assert.Equal(2, exitCode);
        Assert.Equal(3, result.GetProperty("errors").GetProperty("No connection could be made: Connection refused").GetInt32());
        Assert.Equal("no connection could be opened", result.GetProperty("failure").GetString());
    }

    [Theory]
    [InlineData("")]
    [InlineData("--mode connect --in-flight 2 --duration 3")] // in which one is refused, however slow the machine is
    public async Task A_refused_handshake_is_told_with_its_status(string arguments)
    {
        await using var server = ScriptedServer.Answering("HTTP/1.1 503 Full\r\n\r\n");
        (int exitCode, JsonElement result) = await Run($"{server.Uri()} --connections 3 {arguments}");
        Assert.Equal(2, exitCode);
        JsonProperty error = Assert.Single(result.GetProperty("errors").EnumerateObject());
        Assert.StartsWith("The server refused the handshake with status 503", error.Name, StringComparison.Ordinal);
        Assert.True(error.Value.GetInt32() >= (arguments == "" ? 3 : 2));
    }

    [Theory]
    [InlineData(0, "a message came with other bytes")]
    [InlineData(1, "a message came with another length than 20 bytes")]
    [InlineData(2, "a message came as Text")]
    public async Task A_wrong_echo_is_counted(int how, string cause)
    {
        await using WebSocketServer server = Serve((peer, type, payload) =>
        {
            byte[] wrong = payload.ToArray();
            if (how == 0) wrong[^1]++;
            peer.Send(how == 2 ? WebSocketMessageType.Text : type, how == 1 ? wrong.AsSpan(1) : wrong);
        });
        (int exitCode, JsonElement result) = await Run($"ws://{server.EndPoints[0]}/ --connections 2 --count 10 --duration 60");
        Assert.Equal(1, exitCode);
        long bad = result.GetProperty("bad").GetInt64();
        Assert.True(bad > 0);
        Assert.Equal(bad, Assert.Single(result.GetProperty("errors").EnumerateObject()).Value.GetInt64());
        Assert.Equal(bad, result.GetProperty("errors").GetProperty(cause).GetInt64());
    }

    [Fact]
    public async Task A_message_that_is_large_is_compared_at_both_ends_and_in_a_place_that_moves()
    {
        int count = 0;
        await using WebSocketServer server = Serve((peer, type, payload) =>
        {
            byte[] wrong = payload.ToArray();
            // One byte in every 256: no piece that is looked at is without one.
            if (++count % 10 == 0) for (int i = 255; i < wrong.Length; i += 256) wrong[i]++;
            peer.Send(type, wrong);
        });
        (int exitCode, JsonElement result) = await Run($"ws://{server.EndPoints[0]}/ --connections 1 --size 100000 --count 50 --duration 60");
        Assert.Equal(1, exitCode);
        Assert.InRange(result.GetProperty("bad").GetInt64(), 1, count / 10);
    }

    [Fact]
    public async Task Messages_that_do_not_come_back_are_counted_and_the_time_they_took_is_not_forgotten()
    {
        await using WebSocketServer server = Serve((_, _, _) => { });
        (int exitCode, JsonElement result) = await Run($"ws://{server.EndPoints[0]}/ --connections 4 --in-flight 3 --duration 2");
        Assert.Equal(1, exitCode);
        Assert.Equal(12, result.GetProperty("errors").GetProperty("messages without an answer 5 s after the end").GetInt32());
    }

    [Fact]
    public async Task A_server_that_closes_is_told_with_its_code_and_ends_the_run()
    {
        int count = 0;
        await using WebSocketServer server = Serve((peer, type, payload) =>
        {
            if (Interlocked.Increment(ref count) > 100) peer.Close((WebSocketCloseStatus)4001, "enough of you");
            else peer.Send(type, payload);
        });
        (int exitCode, JsonElement result) = await Run($"ws://{server.EndPoints[0]}/ --connections 3 --duration 60");
        Assert.Equal(1, exitCode);
        Assert.Equal(3, result.GetProperty("errors").GetProperty("the server closed a connection: 4001 enough of you").GetInt32());
        Assert.Equal(3, result.GetProperty("errors").GetProperty("messages that were under way on connections that ended").GetInt32());
        Assert.Equal("all connections have ended", result.GetProperty("failure").GetString());
        Assert.InRange(result.GetProperty("seconds").GetDouble(), 0, 50);
    }

    [Fact]
    public async Task A_server_that_dies_in_the_middle_ends_the_run_with_what_there_was()
    {
        (TandemProcess echo, string line) = await TandemProcess.StartAsync("echo --port 0 --threads 1", "echo at ");
        string url = line.Split(' ')[2];
        string pid = line[(line.LastIndexOf(' ') + 1)..];
        TimeSpan before = ProcessorTime(pid);
        await using ConnectProcess bench = ConnectProcess.StartCommand("bench", url, "--connections", "10", "--duration", "600", "--warm-up", "0", "--pid", pid, "--json", "-");
        // Load is on when its processor time grows.
        await Eventually.True(() => ProcessorTime(pid) > before + TimeSpan.FromSeconds(0.7), "load on the server");
        echo.Terminate();
        Ended ended = await bench.ExitAsync();
        await echo.DisposeAsync();
        Assert.Equal(1, ended.ExitCode);
        using JsonDocument json = JsonDocument.Parse(ended.Output);
        Assert.True(json.RootElement.GetProperty("count").GetInt64() > 0);
        Assert.Equal("all connections have ended", json.RootElement.GetProperty("failure").GetString());
        Assert.Contains(json.RootElement.GetProperty("errors").EnumerateObject(), error => error.Name.StartsWith("the server closed a connection: 1001", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_broadcast_that_loses_a_receiver_ends()
    {
        List<WebSocketPeer> members = [];
        int published = 0;
        await using WebSocketServer server = Serve(
            (_, type, payload) =>
            {
                foreach (WebSocketPeer member in members) member.Send(type, payload);
                if (++published == 5) members[7].Abort();
            },
            members.Add);
        (int exitCode, JsonElement result) = await Run($"ws://{server.EndPoints[0]}/ --mode broadcast --connections 10 --duration 30");
        Assert.Equal(1, exitCode);
        Assert.StartsWith("a receiver was lost", result.GetProperty("failure").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Ctrl_C_ends_early_and_the_table_is_still_printed()
    {
        int count = 0;
        await using WebSocketServer server = Serve((peer, type, payload) =>
        {
            Interlocked.Increment(ref count);
            peer.Send(type, payload);
        });
        await using ConnectProcess bench = ConnectProcess.StartCommand("bench", $"ws://{server.EndPoints[0]}/", "--connections", "4", "--duration", "600", "--warm-up", "0");
        await Eventually.True(() => Volatile.Read(ref count) > 1_000, "load");
        bench.Signal("INT");
        Ended ended = await bench.ExitAsync();
        Assert.Equal(130, ended.ExitCode);
        Assert.Matches(@"messages a second +[1-9]", ended.Output);
        Assert.Contains("interrupted", ended.Output, StringComparison.Ordinal);
        await Eventually.Equal(0, () => server.ConnectionCount, "connections of the server");
    }

    [Fact]
    public async Task In_a_terminal_one_line_tells_how_it_goes_and_is_gone_at_the_end()
    {
        await using WebSocketServer server = Serve((peer, type, payload) => peer.Send(type, payload));
        await using ConnectProcess bench = ConnectProcess.TandemInTerminal($"bench ws://{server.EndPoints[0]}/ --connections 4 --duration 4 --warm-up 0");
        await bench.SeeOutputAsync("\r\u001b[Kmeasuring: 4 connections");
        Ended ended = await bench.ExitAsync();
        Assert.Matches(@"measuring: 4 connections, [0-9,]+ a second, 0 errors", ended.Output);
        Assert.Matches(@"\r\u001b\[Kecho at", ended.Output);
    }

    private static TimeSpan ProcessorTime(string pid)
    {
        using var process = System.Diagnostics.Process.GetProcessById(int.Parse(pid, System.Globalization.CultureInfo.InvariantCulture));
        return process.TotalProcessorTime;
    }

    private static async Task<(int ExitCode, JsonElement Result)> Run(string arguments)
    {
        (int exitCode, string output, string error) = await TandemProcess.RunAsync($"bench {arguments} --warm-up 0 --json -");
        Assert.True(output.Length != 0, error);
        using JsonDocument json = JsonDocument.Parse(output);
        return (exitCode, json.RootElement.Clone());
    }

    private static WebSocketServer Serve(MessageAction action, Action<WebSocketPeer>? opened = null)
    {
        var server = new WebSocketServer(new WebSocketServerOptions { EndPoints = [new IPEndPoint(IPAddress.Loopback, 0)], Loops = 1 });
        server.Map(new WebSocketRoute("/", new Handler(action, opened)));
        server.Start();
        return server;
    }

    private delegate void MessageAction(WebSocketPeer peer, WebSocketMessageType type, ReadOnlySpan<byte> payload);

    private sealed class Handler(MessageAction action, Action<WebSocketPeer>? opened) : WebSocketHandler
    {
        public override void OnOpen(WebSocketPeer peer) => opened?.Invoke(peer);

        public override void OnMessage(WebSocketPeer peer, WebSocketMessageType type, ReadOnlySpan<byte> payload) => action(peer, type, payload);
    }
}

using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Reflection;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Logging;
using Tandem.WebSockets;

namespace Tandem.AspNetCore.Tests;

/// <summary>What the event loops report to ILogger: docs/observability.md is the table of it.</summary>
public sealed class LogTests
{
    private const string Category = "Tandem.AspNetCore.Listener";

    [Fact]
    public async Task Start_and_end_are_information()
    {
        var log = new RecordingLogger();
        await using (OnePort host = await Start(log))
        {
            await log.Has(10, LogLevel.Information, $"Event loops serve 3 WebSocket routes at 127.0.0.1:{host.Port}.");
            await host.StopAsync();
            await log.Has(11, LogLevel.Information, $"The event loops at 127.0.0.1:{host.Port} have ended");
        }

        Assert.Single(log.Lines, line => line.Id == 11);
    }

    [Fact]
    public async Task A_refusal_names_who_and_which_rule_at_Debug()
    {
        var log = new RecordingLogger();
        await using OnePort host = await Start(log);
        await using NetworkStream client = await host.DialAsync();
        await client.WriteAsync("GET /echo HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 8\r\n\r\n"u8.ToArray());
        Assert.Contains("426", await OnePort.ReadUntilAsync(client, "13)"), StringComparison.Ordinal);
        await log.Has(12, LogLevel.Debug, $"127.0.0.1:{((IPEndPoint)client.Socket.LocalEndPoint!).Port} is refused a WebSocket with 426: Sec-WebSocket-Version must be 13 (RFC 6455 section 4.4).");
    }

    [Fact]
    public async Task A_fault_names_the_rule_and_an_ordinary_end_its_code_at_Debug()
    {
        var log = new RecordingLogger();
        await using OnePort host = await Start(log);
        await using NetworkStream client = await host.DialAsync();
        await client.WriteAsync("GET /echo HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"u8.ToArray());
        await OnePort.ReadUntilAsync(client, "\r\n\r\n");
        await client.WriteAsync(new byte[] { 0x81, 0x01, (byte)'x' });
        client.Socket.Shutdown(SocketShutdown.Send);
        await log.Has(13, LogLevel.Debug, $"127.0.0.1:{((IPEndPoint)client.Socket.LocalEndPoint!).Port} broke a rule of the WebSocket protocol and is closed with 1002: ");

        using var socket = new ClientWebSocket();
        await socket.ConnectAsync(host.WebSocket("/echo"), default);
        await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, default);
        await log.Has(15, LogLevel.Debug, "has ended: Peer, 1000.");
    }

    [Fact]
    public async Task A_peer_that_does_not_read_is_a_warning()
    {
        var log = new RecordingLogger();
        await using OnePort host = await Start(log, options => options with { MaxBufferedBytes = 100_000 });
        using var socket = new ClientWebSocket();
        await socket.ConnectAsync(host.WebSocket("/flood"), default);
        await socket.SendAsync(new byte[1], WebSocketMessageType.Binary, true, default);
        await log.Has(14, LogLevel.Warning, "does not read what it is sent: its WebSocket is dropped.");
    }

    [Fact]
    public async Task A_handler_that_fails_is_an_error_and_one_that_always_fails_does_not_fill_the_log()
    {
        var log = new RecordingLogger();
        await using OnePort host = await Start(log);
        for (int i = 0; i < LogGate.Most + 5; i++)
        {
            using var socket = new ClientWebSocket();
            await socket.ConnectAsync(host.WebSocket("/fail"), default);
            await socket.SendAsync(new byte[1], WebSocketMessageType.Binary, true, default);
            WebSocketReceiveResult received = await socket.ReceiveAsync(new byte[10], default);
            Assert.Equal(WebSocketCloseStatus.InternalServerError, received.CloseStatus);
        }

        await log.Has(1, LogLevel.Error, "A WebSocket handler failed; its connection is closed with 1011.");
        // Fewer than all of them, even where the machine is so slow that a second window has begun.
        Assert.InRange(log.Lines.Count(line => line.Id == 1), LogGate.Most, LogGate.Most + 4);
    }

    [Fact]
    public void The_gate_lets_ten_pass_in_ten_seconds_and_says_how_many_it_has_not()
    {
        var time = new ManualTime();
        var gate = new LogGate(time);
        for (int i = 0; i < 25; i++)
        {
            Assert.Equal(i < 10, gate.TryPass(out int suppressed));
            Assert.Equal(0, suppressed);
        }

        time.Advance(LogGate.Window);
        Assert.True(gate.TryPass(out int left));
        Assert.Equal(15, left);
        time.Advance(LogGate.Window);
        Assert.True(gate.TryPass(out left));
        Assert.Equal(0, left);
    }

    [Fact]
    public async Task The_table_of_the_document_is_true()
    {
        string? folder = AppContext.BaseDirectory;
        while (folder is not null && !File.Exists(Path.Combine(folder, "Tandem.slnx"))) folder = Path.GetDirectoryName(folder);
        string[] lines = await File.ReadAllLinesAsync(Path.Combine(folder!, "docs", "observability.md"));
        string[] written = [.. lines.Where(line => line.StartsWith("| ", StringComparison.Ordinal) && char.IsAsciiDigit(line[2])).Select(line => string.Join('|', line.Split('|')[..3]))];
        string[] real = [.. typeof(Log).GetMethods(BindingFlags.Public | BindingFlags.Static).Select(method => method.GetCustomAttribute<LoggerMessageAttribute>()!)
            .OrderBy(message => message.EventId).Select(message => $"| {message.EventId} | {message.Level} ")];
        Assert.Equal(real, written);
    }

    private static Task<OnePort> Start(RecordingLogger log, Func<WebSocketServerOptions, WebSocketServerOptions>? configure = null) => OnePort.StartAsync(
        builder =>
        {
            builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
            builder.Logging.SetMinimumLevel(LogLevel.Debug);
            builder.Logging.AddProvider(log);
        },
        configure,
        app =>
        {
            app.MapTandem(new WebSocketRoute("/fail", new Fails()));
            app.MapTandem(new WebSocketRoute("/flood", new Floods()));
        });

    private sealed class Fails : WebSocketHandler
    {
        public override void OnMessage(WebSocketPeer peer, WebSocketMessageType type, ReadOnlySpan<byte> payload) => throw new InvalidOperationException("broken");
    }

    private sealed class Floods : WebSocketHandler
    {
        public override void OnMessage(WebSocketPeer peer, WebSocketMessageType type, ReadOnlySpan<byte> payload)
        {
            while (peer.Send(type, new byte[50_000]) != SendStatus.Closed)
            {
            }
        }
    }

    private sealed class RecordingLogger : ILoggerProvider, ILogger
    {
        private readonly ConcurrentQueue<(int Id, LogLevel Level, string Text)> _lines = new();

        public (int Id, LogLevel Level, string Text)[] Lines => [.. _lines];

        public Task Has(int id, LogLevel level, string text) =>
            Eventually.True(() => Lines.Any(line => line.Id == id && line.Level == level && line.Text.Contains(text, StringComparison.Ordinal)), $"event {id}: {text}");

        public ILogger CreateLogger(string categoryName) => categoryName == Category ? this : Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            _lines.Enqueue((eventId.Id, logLevel, formatter(state, exception)));

        public void Dispose()
        {
        }
    }
}

using System.Collections.Concurrent;
using System.Net;
using System.Text;
using System.Text.RegularExpressions;
using Tandem.Browser.Tests;

namespace Tandem.Cli.Tests;

/// <summary><c>--otlp URL</c>: what a collector gets, by OTLP over HTTP.</summary>
public sealed partial class OtlpTests
{
    [Theory]
    [InlineData("")]
    [InlineData("/collector/")]
    public async Task Echo_sends_its_metrics_and_traces_to_a_collector(string path)
    {
        await using var collector = new Collector();
        (TandemProcess process, string line) = await TandemProcess.StartAsync(
            $"echo --port 0 --threads 1 --otlp http://127.0.0.1:{collector.Port}{path}", "echo at", ("OTEL_METRIC_EXPORT_INTERVAL", "100"));
        await using (process)
        {
            using (RawClient client = await RawClient.Connect(new IPEndPoint(IPAddress.Loopback, int.Parse(PortOf().Match(line).Groups[1].Value, System.Globalization.CultureInfo.InvariantCulture))))
            {
                await client.Upgrade("/");
                await client.Send(Wire.Text("x"));
                await client.ReadText("x");
                await client.Send(Wire.Close(1000));
                await client.ReadClose(1000);
            }

            string metrics = $"POST {path.TrimEnd('/')}/v1/metrics application/x-protobuf";
            foreach (string name in (string[])
            [
                "tandem", "Tandem.WebSockets", "websocket.server.connections", "websocket.server.handshakes", "websocket.server.messages", "websocket.server.io",
                "websocket.server.closes", "websocket.server.buffered", "websocket.server.loop.busy_time", "websocket.handshake.outcome", "accepted", "dotnet.gc.collections",
            ])
            {
                await collector.Gets(metrics, name);
            }
        }

        // At its end it sends what it has left, so the activity is there whenever its batch would have been due.
        await collector.Gets($"POST {path.TrimEnd('/')}/v1/traces application/x-protobuf", "GET /");
    }

    [Fact]
    public async Task A_collector_that_is_not_there_changes_nothing()
    {
        (TandemProcess process, string line) = await TandemProcess.StartAsync($"echo --port 0 --threads 1 --otlp http://127.0.0.1:{Ports.Free()}", "echo at", ("OTEL_METRIC_EXPORT_INTERVAL", "100"));
        await using (process)
        {
            using RawClient client = await RawClient.Connect(new IPEndPoint(IPAddress.Loopback, int.Parse(PortOf().Match(line).Groups[1].Value, System.Globalization.CultureInfo.InvariantCulture)));
            await client.Upgrade("/");
            await client.Send(Wire.Text("x"));
            await client.ReadText("x");
        }
    }

    [Theory]
    [InlineData("echo")]
    [InlineData("serve")]
    public async Task What_is_no_URL_is_one_line(string command)
    {
        (int exitCode, string output, string error) = await TandemProcess.RunAsync($"{command} --otlp localhost:4318");
        Assert.Equal((1, ""), (exitCode, output));
        Assert.Equal("tandem: --otlp: 'localhost:4318' is not an http:// or https:// URL.", error.Trim());
    }

    [GeneratedRegex(@"ws://127\.0\.0\.1:(\d+)/")]
    private static partial Regex PortOf();

    /// <summary>What a collector is to its senders: it answers 200 to everything. It keeps the bodies as text, in which names are as they are.</summary>
    private sealed class Collector : IAsyncDisposable
    {
        private readonly HttpListener _listener = new();
        private readonly ConcurrentQueue<(string Head, string Body)> _requests = new();
        private readonly Task _serving;

        public Collector()
        {
            // HttpListener takes no port 0.
            Port = Ports.Free();
            _listener.Prefixes.Add($"http://127.0.0.1:{Port}/");
            _listener.Start();
            _serving = ServeAsync();
        }

        public int Port { get; }

        public Task Gets(string head, string text) => Eventually.True(
            () => _requests.Any(request => request.Head == head && request.Body.Contains(text, StringComparison.Ordinal)),
            $"{head} with {text}");

        public async ValueTask DisposeAsync()
        {
            _listener.Stop();
            await _serving;
            _listener.Close();
        }

        private async Task ServeAsync()
        {
            try
            {
                while (true)
                {
                    HttpListenerContext context = await _listener.GetContextAsync();
                    using var body = new MemoryStream();
                    await context.Request.InputStream.CopyToAsync(body);
                    _requests.Enqueue(($"{context.Request.HttpMethod} {context.Request.Url!.AbsolutePath} {context.Request.ContentType}", Encoding.Latin1.GetString(body.ToArray())));
                    context.Response.Close();
                }
            }
            catch (Exception exception) when (exception is HttpListenerException or ObjectDisposedException)
            {
                // It has been stopped.
            }
        }
    }
}

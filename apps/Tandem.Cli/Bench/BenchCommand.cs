using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Tandem.Cli.Bench;

/// <summary><c>tandem bench</c>: loads a WebSocket server from outside, and says what it does with it.</summary>
internal static class BenchCommand
{
    // What a connection may have under way: half of what it may have waiting to be sent.
    private const long MaxUnderWay = 128L << 20;

    public static Command Create()
    {
        var url = CommonOptions.Url();
        var mode = new Option<BenchMode>("--mode")
        {
            Description = "echo: each connection keeps messages in flight. rate: messages at fixed times, latency from when each was due. broadcast: one sends, all receive "
                + "(the /broadcast of tandem echo). idle: connections are opened and held. connect: handshakes.",
            DefaultValueFactory = _ => BenchMode.Echo,
        };
        mode.AcceptOnlyFromAmong("echo", "rate", "broadcast", "idle", "connect");
        Option<int?> connections = Number("--connections", "Connections. Default 100; 1000 for broadcast, 10000 for idle.", 1, 1_000_000);
        Option<int?> inFlight = Number("--in-flight", "Messages in flight on each connection, publishes at a time, or handshakes at a time. Default 1; 50 for connect.", 1, 4096);
        Option<int?> size = Number("--size", "Bytes of payload of each message. Default 20; 100 for rate and broadcast.", 0, 16 << 20);
        Option<int?> rate = Number("--rate", "Messages a second over all connections, for rate. Default 10000.", 1, 10_000_000);
        Option<int?> publishers = Number("--publishers", "Connections that publish in turn, for broadcast. Default 1.", 1, 1000);
        Option<int?> threads = Number("--threads", "Event loops of this generator. Default 1.", 1, 256);
        Option<int?> pid = Number("--pid", "The server's process: its processor time and memory are read from /proc.", 1, int.MaxValue);
        Option<double> duration = Seconds("--duration", "Seconds of the measurement.", 0.1, 5);
        Option<int?> count = Number("--count", "End the measurement earlier, when about so many messages, deliveries or handshakes have been counted.", 1, int.MaxValue);
        Option<double> warmUp = Seconds("--warm-up", "Seconds of the same load before it, which are not measured.", 0, 2);
        var text = new Option<bool>("--text") { Description = "Text messages instead of binary ones." };
        var deflate = new Option<bool>("--deflate") { Description = "Offer permessage-deflate, and send JSON that is worth compressing." };
        var noTakeover = new Option<bool>("--no-context-takeover") { Description = "With --deflate: neither end keeps its window between messages." };
        var close = new Option<bool>("--close") { Description = "For connect: end each connection with a closing handshake instead of a reset." };
        var json = new Option<string?>("--json") { Description = "Write the result to this file as one JSON object; - for standard output, with the table on standard error." };

        var command = new Command(
            "bench",
            "Load a server over ws:// and report what it does: messages a second, and a CPU-second of the server, latencies, memory. Every answer is compared with "
            + "what was sent.\nExit codes: 0 no errors; 1 wrong arguments, or errors, which are listed; 2 no connection; 130 interrupted.")
        {
            url, mode, connections, inFlight, size, rate, publishers, duration, count, warmUp, threads, text, deflate, noTakeover, close, pid, json,
        };
        command.SetAction(async (result, cancellation) =>
        {
            BenchMode what = result.GetValue(mode);
            Uri target = result.GetValue(url)!;
            try
            {
                var options = new BenchOptions
                {
                    Mode = what,
                    Url = target,
                    EndPoint = await ResolveAsync(target, cancellation),
                    Connections = result.GetValue(connections) ?? what switch { BenchMode.Broadcast => 1_000, BenchMode.Idle => 10_000, _ => 100 },
                    InFlight = result.GetValue(inFlight) ?? (what == BenchMode.Connect ? 50 : 1),
                    Size = result.GetValue(size) ?? (what is BenchMode.Rate or BenchMode.Broadcast ? 100 : 20),
                    Rate = result.GetValue(rate) ?? 10_000,
                    Publishers = result.GetValue(publishers) ?? 1,
                    Threads = result.GetValue(threads) ?? 1,
                    Pid = result.GetValue(pid),
                    Count = result.GetValue(count),
                    Duration = TimeSpan.FromSeconds(result.GetValue(duration)),
                    WarmUp = TimeSpan.FromSeconds(result.GetValue(warmUp)),
                    Text = result.GetValue(text),
                    Deflate = result.GetValue(deflate),
                    NoContextTakeover = result.GetValue(noTakeover),
                    Close = result.GetValue(close),
                };
                Check(options);
                return await RunAsync(options, result.GetValue(json), cancellation);
            }
            catch (BenchException exception)
            {
                return Startup.Fail($"{exception.Message}.");
            }
            catch (OperationCanceledException)
            {
                return 130;
            }
        });
        return command;
    }

    private static async Task<int> RunAsync(BenchOptions options, string? json, CancellationToken cancellation)
    {
        using FileStream? file = json is null or "-" ? null : OpenFile(json);
        var progress = new BenchProgress(!Console.IsErrorRedirected);
        var run = new BenchRun(options, progress, cancellation);
        BenchResult result = await run.RunAsync();
        progress.End();
        BenchReport.WriteTable(json == "-" ? Console.Error : Console.Out, result);
        byte[] bytes = [.. BenchReport.ToJson(result), (byte)'\n'];
        if (file is not null) file.Write(bytes);
        else if (json == "-") Console.OpenStandardOutput().Write(bytes);
        return result.ExitCode;
    }

    private static void Check(BenchOptions options)
    {
        if (options.Url.Scheme != "ws")
        {
            throw new BenchException("bench speaks ws:// only: its event loop has no TLS, and a generator that spends its time on TLS would measure itself. "
                + "Measure the server behind TLS, or put a proxy that speaks wss in between");
        }

        if (options.Threads > options.Connections) throw new BenchException("there are more --threads than --connections");
        if (options.Mode == BenchMode.Connect && options.Threads > options.InFlight) throw new BenchException("there are more --threads than handshakes at a time (--in-flight)");
        if (options.Publishers > options.Connections) throw new BenchException("there are more --publishers than --connections");
        if ((long)options.InFlight * options.Size > MaxUnderWay) throw new BenchException($"--in-flight times --size is more than {MaxUnderWay >> 20} MiB");
        if (!OperatingSystem.IsLinux()) throw new BenchException("bench needs Linux (epoll)");
    }

    // Once: what is measured is the server and not the name service.
    private static async Task<IPEndPoint> ResolveAsync(Uri url, CancellationToken cancellation)
    {
        try
        {
            IPAddress[] addresses = await Dns.GetHostAddressesAsync(url.IdnHost, cancellation);
            // localhost is both; servers for tests listen on 127.0.0.1.
            IPAddress address = addresses.FirstOrDefault(address => address.AddressFamily == AddressFamily.InterNetwork) ?? addresses[0];
            return new IPEndPoint(address, url.Port);
        }
        catch (SocketException exception)
        {
            throw new BenchException($"{url.Host}: {exception.Message}");
        }
    }

    private static FileStream OpenFile(string path)
    {
        try
        {
            return File.Create(path); // before the run: a result that cannot be kept is not worth waiting for
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new BenchException($"cannot write {path}: {exception.Message.TrimEnd('.')}");
        }
    }

    private static Option<int?> Number(string name, string description, int least, int most)
    {
        var option = new Option<int?>(name) { Description = description };
        option.Validators.Add(result => CommonOptions.CheckRange(result, least, most));
        return option;
    }

    private static Option<double> Seconds(string name, string description, double least, double preset)
    {
        const double most = 3600;
        var option = new Option<double>(name)
        {
            Description = description,
            DefaultValueFactory = _ => preset,
            CustomParser = result => Parse(result, name, least, most),
        };
        return option;
    }

    private static double Parse(ArgumentResult result, string name, double least, double most)
    {
        string text = result.Tokens[0].Value;
        bool parsed = double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double seconds);
        if (!parsed || seconds < least || seconds > most) result.AddError(string.Create(CultureInfo.InvariantCulture, $"{name}: '{text}' is not a number of seconds from {least} to {most}."));
        return seconds;
    }
}

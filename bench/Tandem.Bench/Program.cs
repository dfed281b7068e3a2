using System.CommandLine;
using Tandem.Benchmarks;

Option<int> port = Bounded("--port", "The server's port on 127.0.0.1.", 1, ushort.MaxValue, 9001);
Option<int> pid = Bounded("--pid", "The server's process, whose processor time and memory are read; 0 for none.", 0, int.MaxValue, 0);
var path = new Option<string?>("--path") { Description = "The request target; by default that of the protocol." };
var protocol = new Option<Protocol>("--protocol") { Description = "What is spoken." };
var topics = new Option<Protocol>("--protocol") { Description = "Session or SignalR.", DefaultValueFactory = _ => Protocol.Session };
topics.AcceptOnlyFromAmong("session", "signalr");
Option<int> subscribers = Bounded("--connections", "Subscribers.", 1, 60_000, 1000);
Option<int> eventSize = Bounded("--size", "Bytes of payload of each event.", 0, 60_000, 100);
Option<int> burst = Bounded("--burst", "Events published with one send.", 1, 100, 1);
Option<int> interval = Bounded("--interval", "Least milliseconds from one burst to the next.", 0, 10_000, 0);
Option<int> connections = Bounded("--connections", "Connections.", 1, 60_000, 100);
Option<int> size = Bounded("--size", "Bytes of payload of each message.", 0, 16 << 20, 20);
Option<int> inFlight = Bounded("--in-flight", "Messages in flight on each connection, or handshakes at a time.", 1, 4096, 1);
var text = new Option<bool>("--text") { Description = "Text messages instead of binary ones." };
Option<int> sources = Bounded("--sources", "Addresses 127.0.0.x to connect from; 0 for as many as are needed.", 0, 250, 0);
Option<double> warmUp = Seconds("--warm-up", "Seconds of load before the measurement.", 0, 2);
Option<double> seconds = Seconds("--seconds", "Seconds of the measurement; in mode idle, of watching the processor time.", 0.1, 4);

EchoOptions Parse(ParseResult result)
{
    IList<Option> known = result.CommandResult.Command.Options;
    T Get<T>(T preset, params Option<T>[] options) => Array.Find(options, known.Contains) is { } option ? result.GetValue(option)! : preset;
    Protocol spoken = Get(Protocol.Echo, protocol, topics);
    return new()
    {
        Port = result.GetValue(port),
        Server = result.GetValue(pid) is var id and > 0 ? ServerProcess.Find(id) : null,
        Protocol = spoken,
        Path = result.GetValue(path) ?? spoken switch { Protocol.Session => SessionSubscriber.Path, Protocol.SignalR => SignalRSubscriber.Path, _ => "/" },
        Connections = Get(result.GetValue(inFlight), connections, subscribers),
        Size = Get(0, size, eventSize),
        InFlight = result.GetValue(inFlight),
        Burst = Get(1, burst),
        Interval = Get(0, interval),
        Text = result.GetValue(text),
        Sources = result.GetValue(sources),
        WarmUp = result.GetValue(warmUp),
        Seconds = result.GetValue(seconds),
    };
}

var echo = new Command("echo", "Messages there and back; every byte of every echo is compared.")
{
    port, pid, path, connections, size, inFlight, text, sources, warmUp, seconds,
};
echo.SetAction(result => Print(() =>
{
    using var load = new EchoLoad(Parse(result));
    return load.Run();
}));

var handshakes = new Command("handshakes", "Connect, upgrade, check the answer, reset; a window at a time.") { port, pid, path, inFlight, sources, warmUp, seconds };
handshakes.SetAction(result => Print(() => new HandshakeLoad(Parse(result)).Run()));

var publish = new Command("publish", "One publishes, many are subscribed; every event of every subscriber is compared.")
{
    topics, port, pid, path, subscribers, eventSize, burst, interval, sources, warmUp, seconds,
};
publish.SetAction(result => Print(() =>
{
    using var load = new PublishLoad(Parse(result));
    return load.Run();
}));

var idle = new Command("idle", "The server's memory for each connection that has echoed one message, or subscribed, and is silent.")
{
    protocol, port, pid, path, connections, size, text, sources, seconds,
};
idle.SetAction(result => Print(() => new IdleLoad(Parse(result)).Run()));

var root = new RootCommand("Measures a WebSocket server on loopback from outside: one thread, one JSON object on one line.") { echo, handshakes, publish, idle };
return root.Parse(args).Invoke();

static int Print(Func<Result> run)
{
    try
    {
        Result result = run();
        Console.WriteLine(result.ToJson());
        return result.Bad == 0 ? 0 : 1;
    }
    catch (LoadFailureException failure)
    {
        Console.Error.WriteLine($"bench: {failure.Message}.");
        return 1;
    }
}

static Option<int> Bounded(string name, string description, int least, int most, int preset)
{
    var option = new Option<int>(name) { Description = description, DefaultValueFactory = _ => preset };
    option.Validators.Add(result =>
    {
        if (result.Tokens.Count == 1 && int.TryParse(result.Tokens[0].Value, out int value) && (value < least || value > most))
        {
            result.AddError($"{name}: {value} is not from {least} to {most}.");
        }
    });
    return option;
}

static Option<double> Seconds(string name, string description, double least, double preset)
{
    const double most = 600;
    var option = new Option<double>(name) { Description = description, DefaultValueFactory = _ => preset };
    option.Validators.Add(result =>
    {
        if (result.Tokens.Count == 1 && double.TryParse(result.Tokens[0].Value, out double value) && !(value >= least && value <= most))
        {
            result.AddError($"{name}: {value} is not from {least} to {most}.");
        }
    });
    return option;
}

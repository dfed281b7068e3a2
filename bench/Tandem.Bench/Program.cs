using System.CommandLine;
using Tandem.Benchmarks;
using Tandem.Cli.Bench;

Option<int> port = Bounded("--port", "The server's port on 127.0.0.1.", 1, ushort.MaxValue, 9001);
Option<int> pid = Bounded("--pid", "The server's process, whose processor time and memory are read; 0 for none.", 0, int.MaxValue, 0);
var path = new Option<string?>("--path") { Description = "The request target; by default that of the protocol." };
var protocol = new Option<Protocol>("--protocol") { Description = "Session or SignalR.", DefaultValueFactory = _ => Protocol.Session };
protocol.AcceptOnlyFromAmong("session", "signalr");
Option<int> connections = Bounded("--connections", "Subscribers, or clients.", 1, 60_000, 1000);
Option<int> size = Bounded("--size", "Bytes of payload of each event or message.", 0, 60_000, 100);
Option<int> burst = Bounded("--burst", "Events published with one send.", 1, 100, 1);
Option<int> interval = Bounded("--interval", "Least milliseconds from one burst to the next.", 0, 10_000, 0);
Option<int> stalled = Bounded("--stalled", "Pairs of measurements: the latency of all subscribers, and that of the others while one of them does not read.", 0, 99, 0);
Option<int> sources = Bounded("--sources", "Addresses 127.0.0.x to connect from; 0 for as many as are needed.", 0, 250, 0);
Option<double> warmUp = Seconds("--warm-up", "Seconds of load before the measurement.", 0, 2);
Option<double> seconds = Seconds("--seconds", "Seconds of the measurement; in mode idle, of watching the processor time.", 0.1, 4);

LoadOptions Parse(ParseResult result) => new()
{
    Port = result.GetValue(port),
    Server = result.GetValue(pid) is var id and > 0 ? ServerProcess.Find(id) : null,
    Protocol = result.GetValue(protocol),
    Path = result.GetValue(path) ?? (result.GetValue(protocol) == Protocol.Session ? SessionSubscriber.Path : SignalRSubscriber.Path),
    Connections = result.GetValue(connections),
    Size = result.GetValue(size),
    Burst = result.GetValue(burst),
    Interval = result.GetValue(interval),
    Stalled = result.GetValue(stalled),
    Sources = result.GetValue(sources),
    WarmUp = result.GetValue(warmUp),
    Seconds = result.GetValue(seconds),
};

var publish = new Command("publish", "One publishes, many are subscribed; every event of every subscriber is compared.")
{
    protocol, port, pid, path, connections, size, burst, interval, stalled, sources, warmUp, seconds,
};
publish.Validators.Add(result =>
{
    // SignalR keeps what its peer does not read, without a bound of its own, and tells nobody of what is lost.
    if (result.GetValue(stalled) > 0 && result.GetValue(protocol) != Protocol.Session) result.AddError("--stalled: with --protocol session only.");
    if (result.GetValue(stalled) > 0 && result.GetValue(connections) < 2) result.AddError("--stalled: at least two connections.");
});
publish.SetAction(result => Print(() =>
{
    using var load = new PublishLoad(Parse(result));
    return result.GetValue(stalled) > 0 ? load.RunStalled() : load.Run();
}));

var idle = new Command("idle", "The server's memory for each connection that has subscribed and is silent.")
{
    protocol, port, pid, path, connections, size, sources, seconds,
};
idle.SetAction(result => Print(() => new IdleLoad(Parse(result)).Run()));

var bcl = new Option<bool>("--bcl") { Description = "Connect by the BCL's ClientWebSocket." };
Option<int> inFlight = Bounded("--in-flight", "Messages of each connection whose echo has not come yet.", 1, 1000, 1);
var client = new Command("client", "What a client costs: echoes per second of this process's own processor time.")
{
    bcl, port, path, connections, size, inFlight, warmUp, seconds,
};
client.SetAction(result => Print(() =>
    new ClientLoad(Parse(result) with { Path = result.GetValue(path) ?? "/", Burst = result.GetValue(inFlight) }, result.GetValue(bcl)).Run()));

var program = new Argument<string[]>("command") { Description = "The server, with its arguments; behind --." };
var startup = new Command("startup", "How soon a server answers its first handshake, from its start, and its memory then.") { port, path, program };
startup.SetAction(result => Print(() => new StartupLoad(Parse(result) with { Path = result.GetValue(path) ?? "/" }, result.GetValue(program)!).Run()));

var rows = new Argument<FileInfo>("rows") { Description = "The rows: KEY|TITLE|FLOOR|FIGURE on each line." };
var raw = new Argument<FileInfo>("raw") { Description = "The results: a JSON object on each line." };
var chart = new Option<FileInfo?>("--chart") { Description = "Draw the table into this file, as SVG." };
var report = new Command("report", "Medians of results, as a table.") { rows, raw, chart };
report.SetAction(result =>
{
    var made = new Report(result.GetValue(rows)!.FullName, result.GetValue(raw)!.FullName);
    made.WriteTable(Console.Out);
    if (result.GetValue(chart) is { } file) File.WriteAllText(file.FullName, Chart.Draw(made));
});

var root = new RootCommand("What bench/run measures beside what `tandem bench` does: sessions and SignalR, clients, start-up; and its table.")
{
    publish, idle, client, startup, report,
};
return root.Parse(args).Invoke();

static int Print(Func<Result> run)
{
    try
    {
        Result result = run();
        Console.WriteLine(result.ToJson());
        return 0;
    }
    catch (BenchException failure)
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

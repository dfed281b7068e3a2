using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Tandem.RabbitMq.Tests.Support;

/// <summary>
/// Debian's rabbitmq-server, for these tests alone: its own name, ports, data and port mapper, on loopback only. Where it is not installed, tests that need it are
/// skipped, and said to be.
/// </summary>
public sealed class Broker : IAsyncLifetime
{
    // Not the one in /usr/sbin, which would change to another user and Debian's directories.
    private const string Server = "/usr/lib/rabbitmq/bin/rabbitmq-server";

    // Runs a program in a session of its own, which is killed as a whole when the input ends: with these tests, however they end.
    private const string Leashed = "exec 3<&0; \"$@\" </dev/null 3<&- & server=$!; (read line <&3; kill -s KILL -- -$$) & wait $server";

    private readonly string _directory = Directory.CreateTempSubdirectory("tandem-rabbitmq-").FullName;
    private readonly int _port = Ports.Free(), _distributionPort = Ports.Free(), _mapperPort = Ports.Free();
    private readonly SemaphoreSlim _gate = new(1);
    private Process? _mapper;
    private Process? _server;

    /// <summary>Where it listens, also while it is stopped.</summary>
    public Uri Uri => new($"amqp://guest:guest@127.0.0.1:{_port}");

    public int Port => _port;

    public static void Require() => Assert.SkipUnless(File.Exists(Server), "rabbitmq-server is not installed (Debian: apt-get install rabbitmq-server).");

    public ValueTask InitializeAsync() => default;

    /// <summary>Starts it, where it is not running.</summary>
    public async Task StartAsync()
    {
        Require();
        await _gate.WaitAsync();
        try
        {
            if (_server is not null) return;
            _mapper ??= Start(["epmd", "-port", Text(_mapperPort), "-address", "127.0.0.1"], []);
            string configuration = Path.Combine(_directory, "rabbitmq.conf");
            await File.WriteAllTextAsync(configuration, $"listeners.tcp.1 = 127.0.0.1:{_port}\nlog.console = true\nlog.console.level = error\n");
            _server = Start(
                [Server],
                [
                    ("HOME", _directory), ("ERL_EPMD_PORT", Text(_mapperPort)), ("ERL_EPMD_ADDRESS", "127.0.0.1"),
                    ("RABBITMQ_NODENAME", "tandem-tests@localhost"), ("RABBITMQ_DIST_PORT", Text(_distributionPort)),
                    ("RABBITMQ_MNESIA_BASE", _directory), ("RABBITMQ_LOG_BASE", _directory), ("RABBITMQ_LOGS", "-"), ("RABBITMQ_CONFIG_FILE", configuration),
                    ("RABBITMQ_ENABLED_PLUGINS_FILE", Path.Combine(_directory, "plugins")), ("RABBITMQ_GENERATED_CONFIG_DIR", _directory),
                    ("RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", "-kernel inet_dist_use_interface {127,0,0,1} -setcookie tandem"),
                ]);
            var watch = Stopwatch.StartNew();
            using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(100));
            while (!await AnswersAsync())
            {
                Assert.False(_server.HasExited, "rabbitmq-server has ended.");
                Assert.True(watch.Elapsed < TimeSpan.FromMinutes(3), "rabbitmq-server does not answer.");
                await timer.WaitForNextTickAsync();
            }
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>Stops it in order.</summary>
    public Task StopAsync() => EndAsync("-TERM");

    /// <summary>Ends it without warning.</summary>
    public Task KillAsync() => EndAsync("-KILL");

    public async ValueTask DisposeAsync()
    {
        await EndAsync("-KILL");
        if (_mapper is not null)
        {
            _mapper.StandardInput.Close();
            await _mapper.WaitForExitAsync();
            _mapper.Dispose();
        }

        Directory.Delete(_directory, recursive: true);
        _gate.Dispose();
    }

    private async Task EndAsync(string signal)
    {
        await _gate.WaitAsync();
        try
        {
            if (_server is null) return;
            List<int> processes = Descendants(_server.Id);
            // All but the leash; Erlang ends in order when it is asked to.
            foreach (int process in processes.Skip(1)) Signal(signal, process);
            await _server.WaitForExitAsync().InTime();
            _server.StandardInput.Close();
            _server.Dispose();
            _server = null;
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>Whether AMQP is spoken: the server answers a header that it does not know with the one that it does.</summary>
    private async Task<bool> AnswersAsync()
    {
        try
        {
            using var client = new TcpClient();
            await client.ConnectAsync(IPAddress.Loopback, _port);
            await client.GetStream().WriteAsync("AMQP\0\0\0\0"u8.ToArray());
            byte[] answer = new byte[8];
            await client.GetStream().ReadExactlyAsync(answer);
            return answer.AsSpan().StartsWith("AMQP"u8);
        }
        catch (Exception exception) when (exception is SocketException or IOException)
        {
            return false;
        }
    }

    private static Process Start(string[] command, (string Name, string Value)[] environment)
    {
        var start = new ProcessStartInfo("setsid", ["sh", "-c", Leashed, "sh", .. command]) { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true };
        foreach ((string name, string value) in environment) start.Environment[name] = value;
        Process process = Process.Start(start)!;
        process.OutputDataReceived += (_, _) => { };
        process.ErrorDataReceived += (_, _) => { };
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return process;
    }

    /// <summary>A process and all that it has started, from /proc.</summary>
    private static List<int> Descendants(int root)
    {
        List<(int Id, int Parent)> all = [];
        foreach (string entry in Directory.EnumerateDirectories("/proc"))
        {
            if (!int.TryParse(Path.GetFileName(entry), out int id)) continue;
            try
            {
                string stat = File.ReadAllText(Path.Combine(entry, "stat"));
                all.Add((id, int.Parse(stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[1], CultureInfo.InvariantCulture)));
            }
            catch (IOException)
            {
            }
        }

        List<int> found = [root];
        for (int i = 0; i < found.Count; i++) found.AddRange(all.Where(process => process.Parent == found[i]).Select(process => process.Id));
        return found;
    }

    private static void Signal(string signal, int process)
    {
        using Process kill = Process.Start(new ProcessStartInfo("kill", $"{signal} {process}") { RedirectStandardError = true })!;
        kill.WaitForExit();
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}

using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Text;
using Tandem.Interop.Tests.Matrix;
using Tandem.Protocol.Compression;
using Tandem.Protocol.Framing;

namespace Tandem.Interop.Tests.Peers;

/// <summary>
/// libwebsockets, by the test programs that come with it. They do not obey: the server sends short texts back (lws-mirror-protocol), the
/// client sends commands for drawing circles as fast as it can. So this peer has scenarios of its own, judged by what is on the wire.
/// </summary>
public sealed class Libwebsockets : Peer
{
    private const string Server = "/usr/bin/libwebsockets-test-server";
    private const string Client = "/usr/bin/libwebsockets-test-client";
    private const string Mirror = "lws-mirror-protocol";

    // It takes anything for a drawing, but not a message that is left uncompressed where compression was agreed on: see the remarks.
    private static readonly byte[] Compressible = [.. Enumerable.Repeat((byte)'c', 200)];

    private readonly List<Process> _processes = [];

    public override PeerCard Card { get; } = new("libwebsockets", "Debian: libwebsockets-test-server", PeerCard.ClientAndServer)
    {
        Lacks =
        [
            new(
                "The test programs of libwebsockets send and take short texts only, and never close, ping or fragment.",
                [
                    Scenario.Binary, Scenario.Empty, Scenario.OneMiB, Scenario.SixteenMiB, Scenario.FragmentsFromUs, Scenario.FragmentsFromPeer, Scenario.PingFromPeer,
                    Scenario.Burst, Scenario.CloseFromPeer, Scenario.CloseFromPeer1001, Scenario.CloseFromPeerWithoutCode,
                ]),
            new("The test programs of libwebsockets have no options for permessage-deflate.", [Scenario.NoContextAskedByPeer, Scenario.WindowsAskedByPeer]),
            new("The test server of libwebsockets declines permessage-deflate.", [Scenario.Deflate, Scenario.NoContextAskedByUs, Scenario.WindowsAskedByUs], Direction.Client),
        ],
        Remarks =
        [
            "The test programs of libwebsockets do not tell what close code they got: that they answer a close frame is judged on the wire.",
            "With permessage-deflate agreed on, the client of libwebsockets 4.1 reads no further once a message comes uncompressed, which RFC 7692 section 6 allows; ours are compressed here.",
        ],
    };

    public override async ValueTask InitializeAsync()
    {
        Missing = File.Exists(Server) ? null : Server;
        if (Missing is not null) return;
        // It does not tell a port that the system chose.
        int port = Tandem.Tests.Support.Ports.Free(); // this class has ports of its own
        Process server = Start(Server, "--port", port.ToString(CultureInfo.InvariantCulture));
        while (Version.Length == 0)
        {
            string line = await server.StandardOutput.ReadLineAsync().InTime() ?? throw new InvalidOperationException($"{Server} ended.");
            int version = line.IndexOf("LWS: ", StringComparison.Ordinal);
            if (version >= 0) Version = line[(version + 5)..].Split('-', ',')[0];
        }

        Drain(server);
        Ports = new Dictionary<Profile, int> { [Profile.Deflate] = port };
        await Eventually.True(() => Listens(port), "the test server of libwebsockets listens");
    }

    public override async ValueTask DisposeAsync()
    {
        foreach (Process process in _processes) await StopAsync(process);
    }

    public override Task ConnectAsync(string id, Uri uri, string[] subprotocols, Profile profile)
    {
        Drain(Start(Client, "-j", uri.AbsoluteUri));
        return Task.CompletedTask;
    }

    internal override async Task RunAsync(Direction direction, Scenario scenario)
    {
        var options = new LinkOptions { OurSubprotocols = [Mirror] };
        options = scenario switch
        {
            Scenario.Deflate => options with { Deflate = new DeflateOptions() },
            Scenario.NoDeflate when direction == Direction.Client => options with { Deflate = new DeflateOptions() },
            Scenario.NoContextAskedByUs => options with { Deflate = new DeflateOptions { ServerNoContextTakeover = true, ClientNoContextTakeover = true } },
            Scenario.WindowsAskedByUs => options with
            {
                Deflate = new DeflateOptions { ServerMaxWindowBits = Scenarios.WindowBits, ClientMaxWindowBits = Scenarios.WindowBits },
            },
            _ => options,
        };
        int[] codes = scenario switch { Scenario.CloseFromUs => [1000, 1001, 3000, 4999], Scenario.CloseFromUsWithoutCode => [1005], _ => [1000] };
        foreach (int code in codes)
        {
            int started = _processes.Count;
            try
            {
                await using Link link = await Link.OpenAsync(this, direction, options);
                await TryAsync(link, direction, scenario, options);
                await link.Ours.CloseAsync((WebSocketCloseStatus)code, code == 1005 ? null : "bye");
                await EndAsync(link);
            }
            finally
            {
                // The client would connect again and again, and draw as fast as it can.
                foreach (Process client in _processes.Skip(started)) client.StandardInput.Close();
            }
        }
    }

    private static async Task TryAsync(Link link, Direction direction, Scenario scenario, LinkOptions options)
    {
        Assert.Equal(Mirror, link.Ours.Subprotocol);
        Assert.Equal(options.Deflate is not null && direction != Direction.Client, link.Tap.Extensions is not null);
        if (scenario == Scenario.PingFromUs) await link.Ours.PingAsync();
        if (direction == Direction.Client)
        {
            foreach (string text in (string[])["Hello", "Grüße, 您好, 𝄞"]) await link.EchoAsync(WebSocketMessageType.Text, Encoding.UTF8.GetBytes(text));
            return;
        }

        for (int i = 0; i < 20; i++)
        {
            Arrival arrival = await link.Ours.ReceiveAsync();
            Assert.Matches("^[cd] #[0-9A-F]{6} -?[0-9]+ -?[0-9]+ [0-9]+;$", arrival.Text);
            await link.Ours.SendAsync(WebSocketMessageType.Text, Compressible);
        }

        Assert.All(link.FromPeer.DataFrames, frame => Assert.Equal(options.Deflate is not null, frame.Header.Rsv1));
    }

    // It draws on until it has read our close frame.
    private static async Task EndAsync(Link link)
    {
        while (true)
        {
            Arrival arrival = await link.Ours.ReceiveAsync();
            if (arrival.Type != WebSocketMessageType.Close) continue;
            Assert.Equal(CloseInitiator.Local, arrival.Cause.Initiator);
            Assert.Single(link.FromPeer.Frames, frame => frame.Opcode == Opcode.Close);
            return;
        }
    }

    private static bool Listens(int port)
    {
        try
        {
            using var client = new TcpClient();
            client.Connect(IPAddress.Loopback, port);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    // These programs do not end with their input as ours do; the shell sees to it, and is there until they are gone.
    private Process Start(string program, params string[] arguments)
    {
        string[] script = ["-c", "\"$@\" 2>&1 </dev/null & read -r line; kill $!; wait", "sh"];
        Process process = Process.Start(new ProcessStartInfo("/bin/sh", [.. script, .. Tools.Timeout, program, .. arguments])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        })!;
        _processes.Add(process);
        return process;
    }

    // A program waits for a reader of what it logs.
    private static void Drain(Process process) => _ = process.StandardOutput.BaseStream.CopyToAsync(Stream.Null);

    private static async Task StopAsync(Process process)
    {
        process.StandardInput.Close();
        await process.WaitForExitAsync().InTime();
        process.Dispose();
    }
}

public sealed class LibwebsocketsTests(Libwebsockets peer) : PeerTests<Libwebsockets>(peer);

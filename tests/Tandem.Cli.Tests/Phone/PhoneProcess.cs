using System.Text.RegularExpressions;
using Tandem.Browser.Tests;
using Tandem.Coap.Tests.Support;

namespace Tandem.Cli.Tests.Phone;

/// <summary>A computer and <c>tandem phone</c>, with <c>tandem gateway</c> and <c>tandem serve</c> between them, and a network between phone and gateway that may lose, double and reorder.</summary>
internal sealed partial class PhoneProcess : IAsyncDisposable
{
    // Datagrams are repeated after so many milliseconds and not after the 2000 of RFC 7252: with a fifth of them lost, and a megabyte in blocks of a kilobyte, each of which is
    // waited for, a test would take an hour otherwise.
    private const int AckTimeout = 10;

    private readonly List<IAsyncDisposable> _all = [];
    private TandemProcess? _gateway;
    private readonly int _gatewayPort = Ports.Free(System.Net.Sockets.ProtocolType.Udp); // it has it again after a restart

    public Uri Server { get; private set; } = null!;

    public HeadlessComputer Computer { get; private set; } = null!;

    public LossyProxy? Network { get; private set; }

    public TemporaryDirectory Directory { get; } = new();

    public string GatewayUrl => $"coap://127.0.0.1:{(Network is { } network ? network.EndPoint.Port : _gatewayPort)}";

    /// <summary>The servers, and a computer that shows a code.</summary>
    /// <param name="lossPercent">Of datagrams in each direction; a quarter as many are doubled, and held back behind the next. Null: there is no such network.</param>
    public static async Task<PhoneProcess> StartAsync(int? lossPercent = null)
    {
        var all = new PhoneProcess();
        (TandemProcess serve, string line) = await TandemProcess.StartAsync("serve --port 0 --no-coap --known-proxy 127.0.0.1", "Tandem is at ");
        all._all.Add(serve);
        all.Server = new Uri(line.Split(' ')[^1]);
        await all.StartGatewayAsync();
        if (lossPercent is { } loss)
        {
            all.Network = new LossyProxy(new System.Net.IPEndPoint(System.Net.IPAddress.Loopback, all._gatewayPort), seed: 20, loss, loss / 4);
            all._all.Add(all.Network);
        }

        all.Computer = await HeadlessComputer.StartAsync(all.Server);
        all._all.Add(all.Computer);
        return all;
    }

    public async Task StartGatewayAsync()
    {
        (_gateway, _) = await TandemProcess.StartAsync($"gateway --hub ws://127.0.0.1:{Server.Port} --coap-port {_gatewayPort} --ack-timeout {AckTimeout}", "coap://");
    }

    public async Task StopGatewayAsync()
    {
        _gateway!.Terminate();
        await _gateway.DisposeAsync();
    }

    /// <summary>A phone, which is at the computer's code, or at what it is given.</summary>
    public ConnectProcess StartPhone(params string[] arguments)
    {
        ConnectProcess phone = ConnectProcess.StartCommand(["phone", "--server", GatewayUrl, "--ack-timeout", $"{AckTimeout}", "--directory", Directory.Path, "--accept", "10000000", .. arguments]);
        _all.Add(phone);
        return phone;
    }

    /// <summary>A phone that is linked: its owner has picked the number that the computer shows.</summary>
    public async Task<ConnectProcess> LinkAsync(params string[] arguments)
    {
        ConnectProcess phone = StartPhone([.. arguments, Computer.Code]);
        await PickAsync(phone, ours => ours.ToString("00", System.Globalization.CultureInfo.InvariantCulture));
        await phone.SeeOutputAsync("linked");
        await phone.SeeOutputAsync("hello: Headless (test)");
        return phone;
    }

    /// <summary>Waits for the three numbers, and types what the test makes of the computer's.</summary>
    public async Task PickAsync(ConnectProcess phone, Func<int, string> pick)
    {
        await phone.SeeOutputAsync("choose: ");
        await Eventually.True(() => Computer.Number >= 0, "a number");
        Assert.Contains($"asked: {Computer.OriginOf(Server)} wants to be linked, Headless 1 on test at 192.0.2.7", phone.Output, StringComparison.Ordinal);
        await phone.TypeAsync(pick(Computer.Number) + "\n");
    }

    /// <summary>The numbers that a phone offers.</summary>
    public static int[] Choices(ConnectProcess phone) =>
        [.. Chosen().Match(phone.Output).Groups[1].Value.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(text => int.Parse(text, System.Globalization.CultureInfo.InvariantCulture))];

    public async ValueTask DisposeAsync()
    {
        for (int i = _all.Count - 1; i >= 0; i--) await _all[i].DisposeAsync();
        if (_gateway is not null) await StopGatewayAsync();
        Directory.Dispose();
    }

    [GeneratedRegex("choose: ([0-9 ]+) none")]
    private static partial Regex Chosen();
}

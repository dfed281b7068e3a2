using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Tandem.Browser.Tests;
using Tandem.Server.Tests;

namespace Tandem.Cli.Tests.Phone;

/// <summary>The mobile server in <c>tandem serve</c>: docs/mobile-server.md.</summary>
public sealed class ServedPhoneTests
{
    [Fact]
    public async Task A_phone_is_linked_through_tandem_serve_alone()
    {
        (TandemProcess serve, string phones) = await TandemProcess.StartAsync("serve --port 0 --coap-port 0", "coap://");
        await using (serve)
        {
            var server = new Uri((await serve.ReadLineAsync()).Split(' ')[^1]);
            await using HeadlessComputer computer = await HeadlessComputer.StartAsync(server);
            await using ConnectProcess phone = ConnectProcess.StartCommand("phone", "--server", phones.Split(' ')[^1], computer.Code);
            await Eventually.True(() => computer.Number >= 0, "a number");
            await phone.SeeOutputAsync("choose: ");
            await phone.TypeAsync(computer.Number.ToString("00", CultureInfo.InvariantCulture) + "\n");
            await phone.SeeOutputAsync("hello: Headless (test)");
            phone.Signal("INT");
            Assert.Equal(0, (await phone.ExitAsync()).ExitCode);
            await Eventually.True(() => computer.Log.Contains("ended Unlinked"), "the end");
        }
    }

    [Fact]
    public async Task With_TLS_it_reaches_its_own_hub_by_its_own_certificate()
    {
        using var data = new TemporaryDirectory();
        (TandemProcess serve, string phones) = await TandemProcess.StartAsync("serve --tls --port 0 --coap-port 0", "coap://", ("XDG_DATA_HOME", data.Path));
        await using (serve)
        {
            await using ConnectProcess phone = ConnectProcess.StartCommand("phone", "--server", phones.Split(' ')[^1], Guid.NewGuid().ToString());
            Ended ended = await phone.ExitAsync();
            Assert.Equal((2, true), (ended.ExitCode, ended.Error.Contains("this code is no longer valid", StringComparison.Ordinal)));
        }
    }

    [Theory]
    [InlineData("0.0.0.0", "127.0.0.1")]
    [InlineData("::", "[::1]")]
    public async Task On_all_addresses_it_names_each_and_answers_there(string host, string expected)
    {
        // No hub is there, which the gateway says only to who has proved its address.
        (TandemProcess gateway, string line) = await TandemProcess.StartAsync($"gateway --hub ws://127.0.0.1:1 --host {host} --coap-port 0", "coap://");
        await using (gateway)
        {
            string[] addresses = [.. line.Split(' ').Where(word => word.StartsWith("coap://", StringComparison.Ordinal))];
            Assert.Contains(addresses, address => address.StartsWith($"coap://{expected}:", StringComparison.Ordinal));
            Assert.DoesNotContain(addresses, address => address.Contains("0.0.0.0", StringComparison.Ordinal) || address.Contains("[::]", StringComparison.Ordinal));
            await using ConnectProcess phone = ConnectProcess.StartCommand("phone", "--server", addresses[^1], Guid.NewGuid().ToString());
            await phone.SeeErrorAsync("the server says 5.03");
        }
    }

    [Fact]
    public async Task A_port_that_was_asked_for_and_is_taken_is_an_error()
    {
        using var taken = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        taken.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        int port = ((IPEndPoint)taken.LocalEndPoint!).Port;
        foreach (string command in (string[])["serve --port 0", "gateway --hub ws://127.0.0.1:1"])
        {
            (int exitCode, _, string error) = await TandemProcess.RunAsync($"{command} --coap-port {port}");
            Assert.Equal((1, true), (exitCode, error.Contains("the port is in use", StringComparison.Ordinal)));
        }
    }
}

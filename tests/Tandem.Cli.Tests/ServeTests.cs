using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using Tandem.Browser.Tests;

namespace Tandem.Cli.Tests;

/// <summary><c>tandem serve</c>: where it says that it is, and what it serves there for links.</summary>
public sealed class ServeTests
{
    private const string EndOfAll = "On a phone";

    [Fact]
    public async Task Listening_on_all_addresses_it_names_each_and_draws_no_code_into_a_pipe()
    {
        (TandemProcess process, string first) = await TandemProcess.StartAsync("serve --host 0.0.0.0 --port 0", "Tandem is at ");
        await using (process)
        {
            Assert.Matches(@"^Tandem is at http://127\.0\.0\.1:\d+/$", first);
            int port = new Uri(first.Split(' ')[^1]).Port;
            List<string> lines = [first];
            int addresses = Addresses().Count();
            while (lines.Count < addresses) lines.Add(await process.ReadLineAsync());
            Assert.Equal(Addresses().Select(address => $"Tandem is at http://{address}:{port}/").Order(), lines.Order());
            process.Terminate();
            await Assert.ThrowsAsync<EndOfStreamException>(process.ReadLineAsync);
        }
    }

    [Fact]
    public async Task In_a_terminal_it_draws_a_code_of_the_phones_page_where_there_is_room_and_a_network()
    {
        Assert.SkipUnless(Addresses().Any(address => !IPAddress.IsLoopback(address)), "This machine has no network.");
        string wide = await RunInTerminalAsync("0.0.0.0", columns: 120, until: EndOfAll);
        string address = wide.Split('\n').First(line => line.StartsWith(EndOfAll, StringComparison.Ordinal)).Trim().Split(' ')[^1];
        Assert.Matches(@"^http://\d+\.\d+\.\d+\.\d+:\d+/phone$", address);
        Assert.DoesNotContain("127.0.0.1", address, StringComparison.Ordinal);
        string[] drawn = [.. wide.Split('\n').Select(line => line.Trim('\r')).Where(line => line.StartsWith("\e[30;107m", StringComparison.Ordinal))];
        // Version 2 or 3 of QR codes, 25 or 29 modules, two light ones on each side, two rows in a line.
        int modules = drawn[0].Length - "\e[30;107m".Length - "\e[0m".Length;
        Assert.Contains(modules, (int[])[29, 33]);
        Assert.Equal((modules + 1) / 2, drawn.Length);
        Assert.All(drawn, line => Assert.Equal(drawn[0].Length, line.Length));
        Assert.DoesNotContain("\e[30;107m", await RunInTerminalAsync("0.0.0.0", columns: 20, until: "Tandem is at"), StringComparison.Ordinal);
        Assert.DoesNotContain("\e[30;107m", await RunInTerminalAsync("127.0.0.1", columns: 120, until: "Tandem is at"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Links_are_served_and_the_camera_is_the_phones_pages_alone()
    {
        (TandemProcess process, string line) = await TandemProcess.StartAsync("serve --port 0", "Tandem is at ");
        await using (process)
        {
            using var client = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false }) { BaseAddress = new Uri(line.Split(' ')[^1]) };
            Assert.Equal("""{"address":"127.0.0.1"}""", await client.GetStringAsync(new Uri("link/address", UriKind.Relative)));
            foreach ((string path, string camera) in ((string, string)[])[("", "camera=(),"), ("phone", "camera=(self),"), ("tutorial", "camera=(),")])
            {
                using HttpResponseMessage page = await client.GetAsync(new Uri(path, UriKind.Relative));
                Assert.Contains(page.StatusCode, (HttpStatusCode[])[HttpStatusCode.OK, HttpStatusCode.Redirect]);
                Assert.StartsWith(camera, page.Headers.GetValues("Permissions-Policy").Single(), StringComparison.Ordinal);
                Assert.Equal("no-referrer", page.Headers.GetValues("Referrer-Policy").Single());
                Assert.StartsWith("default-src 'self';", page.Headers.GetValues("Content-Security-Policy").Single(), StringComparison.Ordinal);
            }
        }
    }

    private static IEnumerable<IPAddress> Addresses() => NetworkInterface.GetAllNetworkInterfaces().SelectMany(device => device.GetIPProperties().UnicastAddresses)
        .Select(unicast => unicast.Address).Where(address => address.AddressFamily == AddressFamily.InterNetwork).Append(IPAddress.Loopback).Distinct();

    private static async Task<string> RunInTerminalAsync(string host, int columns, string until)
    {
        await using ConnectProcess terminal = ConnectProcess.CommandInTerminal($"stty cols {columns}; exec {Repository.Tandem} serve --host {host} --port 0");
        await terminal.SeeOutputAsync(until);
        await terminal.TypeAsync("\x03");
        return (await terminal.ExitAsync()).Output;
    }
}

using System.Globalization;

namespace Tandem.Browser.Tests;

/// <summary>The program as a person meets it when something is wrong: one clear line, and an exit code that is not 0.</summary>
public sealed class CommandLineTests
{
    [Theory]
    [InlineData("echo --port 70000", "--port: '70000' is not a number from 0 to 65535.")]
    [InlineData("echo --threads 0", "--threads: '0' is not a number from 1 to 1024.")]
    [InlineData("echo --max-message -1", "--max-message: '-1' is not a number from 0 to 1073741824.")]
    [InlineData("serve --host nowhere", "--host: 'nowhere' is not an IP address.")]
    [InlineData("serve --coap-port 70000", "--coap-port: '70000' is not a number from 0 to 65535.")]
    [InlineData("serve --coap-port 5683 --no-coap", "--coap-port and --no-coap exclude each other.")]
    [InlineData("serve --prot 1", "'--prot' is no option or argument of 'tandem serve'; 'tandem serve --help' names them.")]
    [InlineData("serve --host fe80::1 --port 0", "cannot listen on [fe80::1]:0: a link-local address needs its interface behind it, as in fe80::1%eth0.")]
    [InlineData("connect", "Required argument 'url' missing for command: 'connect'.")]
    [InlineData("bench ws://127.0.0.1/ --mode fast", "Argument 'fast' not recognized. Must be one of: 'echo' 'rate' 'broadcast' 'idle' 'connect'")]
    [InlineData("sing", "'sing' is no command of 'tandem'; 'tandem --help' names them.")]
    public async Task A_mistake_is_named_in_one_line(string arguments, string expected)
    {
        (int exitCode, string output, string error) = await TandemProcess.RunAsync(arguments);
        Assert.Equal((1, "", $"tandem: {expected}"), (exitCode, output, error.TrimEnd()));
    }

    [Fact]
    public async Task Without_a_command_the_commands_are_named()
    {
        (int exitCode, string output, string error) = await TandemProcess.RunAsync("");
        Assert.Equal((1, ""), (exitCode, error));
        Assert.Contains("\n  serve ", output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("echo")]
    [InlineData("serve")]
    public async Task A_port_in_use_is_said_in_one_line(string command)
    {
        (TandemProcess first, string line) = await TandemProcess.StartAsync("echo --port 0", "ws://");
        await using (first)
        {
            int port = new Uri(line[line.IndexOf("ws://", StringComparison.Ordinal)..].Split(' ')[0]).Port;
            (int exitCode, string output, string error) = await TandemProcess.RunAsync(string.Create(CultureInfo.InvariantCulture, $"{command} --port {port}"));
            Assert.Equal(1, exitCode);
            Assert.Equal("", output);
            Assert.Equal($"tandem: cannot listen on 127.0.0.1:{port}: the port is in use.", error.Trim());
        }
    }
}

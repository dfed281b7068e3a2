using System.Diagnostics;
using System.Text.Json;
using Tandem.Tests.SignalR;
using Tandem.WebSockets;

namespace Tandem.AspNetCore.Tests.Middleware;

/// <summary>SignalR, as it comes: its hub on our connection, and its own JavaScript client in Node. In a browser: Tandem.Browser.Tests.</summary>
public sealed class SignalRTests
{
    [Fact]
    public async Task The_JavaScript_client_in_Node_calls_streams_and_reconnects()
    {
        Assert.SkipUnless(HubApp.IsInstalled, "SignalR's client is not installed: npm ci in samples/SignalRChat.");
        await using HubApp app = await HubApp.StartAsync(tls: false);
        string output = await RunNodeAsync($"{app.Address}/hub");
        HubApp.AssertAllSeen(JsonDocument.Parse(output).RootElement);
        Assert.Equal(2, app.Accepted.Count); // the second after the break
        Assert.All(app.Accepted, accepted => Assert.IsType<WebSocketConnection>(accepted.Socket));
        Assert.All(app.Accepted, accepted => Assert.Equal("HTTP/1.1", accepted.HttpProtocol));
    }

    private static async Task<string> RunNodeAsync(string address)
    {
        using Process node = Process.Start(new ProcessStartInfo("node", [Path.Combine(HubApp.Folder, "node.mjs"), address])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        // A program that hangs is ended, and tells how far it came.
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(90));
        await using CancellationTokenRegistration registration = deadline.Token.Register(node.Kill);
        Task<string> steps = node.StandardError.ReadToEndAsync();
        string output = await node.StandardOutput.ReadToEndAsync();
        await node.WaitForExitAsync();
        Assert.True(node.ExitCode == 0, await steps);
        return output;
    }
}

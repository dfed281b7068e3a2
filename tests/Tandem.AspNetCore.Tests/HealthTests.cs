using System.Net;
using System.Net.WebSockets;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace Tandem.AspNetCore.Tests;

/// <summary>/healthz and /readyz, and the order of the end: not ready first, then closed.</summary>
public sealed class HealthTests
{
    [Fact]
    public async Task A_host_that_runs_is_alive_and_ready()
    {
        await using OnePort host = await StartAsync();
        using var client = new HttpClient();
        Assert.Equal("Healthy", await client.GetStringAsync(host.Http("/healthz")));
        Assert.Equal("Healthy", await client.GetStringAsync(host.Http("/readyz")));
    }

    [Fact]
    public async Task A_check_of_the_application_that_fails_costs_readiness_and_not_the_life()
    {
        await using OnePort host = await StartAsync(configure: checks => checks.AddCheck("database", () => HealthCheckResult.Unhealthy("gone")));
        using var client = new HttpClient();
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(client, host.Http("/healthz")));
        Assert.Equal(HttpStatusCode.ServiceUnavailable, await StatusAsync(client, host.Http("/readyz")));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_shutdown_is_first_told_and_everything_still_served_and_then_the_WebSockets_are_closed_with_1001(bool byKestrel)
    {
        var clock = new ManualClock();
        await using OnePort host = await StartAsync(TimeSpan.FromSeconds(5), time: clock);
        using var client = new HttpClient();
        using RawClient early = await RawClient.Connect(new IPEndPoint(IPAddress.Loopback, host.Port));
        if (byKestrel)
        {
            // A connection that begins with another request is Kestrel's.
            await early.Send("GET /absent HTTP/1.1\r\nHost: localhost\r\n\r\n");
            await early.ReadHead();
        }

        await early.Upgrade("/echo");

        host.Signal();
        Task stopped = host.StopAsync();
        while (await StatusAsync(client, host.Http("/readyz")) == HttpStatusCode.OK) await Task.Yield();
        Assert.Equal(HttpStatusCode.ServiceUnavailable, await StatusAsync(client, host.Http("/readyz")));
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(client, host.Http("/healthz")));
        Assert.Equal("a page", await client.GetStringAsync(host.Http("/page")));
        // Until load balancers have noticed, they still send new connections.
        using RawClient late = await RawClient.Connect(new IPEndPoint(IPAddress.Loopback, host.Port));
        await late.Upgrade("/echo");
        await early.Send(Wire.Text("still here"));
        Assert.Equal("still here", (await early.Read()).Text);
        Assert.False(stopped.IsCompleted);

        Task<Received>[] closes = [early.Read(), late.Read()];
        await Eventually.True(() => Passes(clock, closes), "the delay has passed and the WebSockets are closed");
        Assert.All(closes, close => Assert.Equal((Got.Close, 1001), (close.Result.Kind, close.Result.Status)));
        foreach (RawClient each in new[] { early, late })
        {
            await each.Send(Wire.Close(1001));
            await each.ReadEnd();
        }

        await stopped.InTime();
        await Assert.ThrowsAsync<HttpRequestException>(() => StatusAsync(client, host.Http("/healthz")));
    }

    [Fact]
    public async Task The_host_s_own_deadline_ends_the_drain_delay()
    {
        await using OnePort host = await StartAsync(TimeSpan.FromHours(1), shutdownTimeout: TimeSpan.FromMilliseconds(200));
        using var socket = new ClientWebSocket();
        await socket.ConnectAsync(host.WebSocket("/echo"), default);
        Task<WebSocketReceiveResult> received = socket.ReceiveAsync(new byte[10], default);
        await host.StopAsync().InTime();
        // The deadline has passed, so the connection is not waited for; whether the close frame still reached it is the network's.
        await Task.WhenAny(received).InTime();
        Assert.NotEqual(WebSocketState.Open, socket.State);
    }

    [Fact]
    public async Task What_is_missing_or_out_of_range_is_said_when_the_host_is_made()
    {
        InvalidOperationException missing = await Assert.ThrowsAsync<InvalidOperationException>(() => OnePort.StartAsync(_ => { }, map: app => app.MapTandemHealth()));
        Assert.Equal("MapTandemHealth needs services.AddTandemHealth().", missing.Message);
        OptionsValidationException range = await Assert.ThrowsAsync<OptionsValidationException>(() => StartAsync(TimeSpan.FromSeconds(-1)));
        Assert.Contains("DrainDelay must be 0 to 1 h", range.Message, StringComparison.Ordinal);
    }

    private static bool Passes(ManualClock clock, Task[] tasks)
    {
        clock.Advance(1);
        return tasks.All(task => task.IsCompleted);
    }

    private static Task<OnePort> StartAsync(
        TimeSpan drainDelay = default,
        TimeSpan? shutdownTimeout = null,
        TimeProvider? time = null,
        Action<IHealthChecksBuilder>? configure = null) => OnePort.StartAsync(
        builder =>
        {
            builder.WebHost.UseUrls("http://127.0.0.1:0");
            if (time is not null) builder.Services.AddSingleton(time);
            IHealthChecksBuilder checks = builder.Services.AddTandemHealth(options => options.DrainDelay = drainDelay);
            configure?.Invoke(checks);
            if (shutdownTimeout is { } timeout) builder.Services.Configure<HostOptions>(options => options.ShutdownTimeout = timeout);
        },
        map: app => app.MapTandemHealth());

    private static async Task<HttpStatusCode> StatusAsync(HttpClient client, Uri uri)
    {
        using HttpResponseMessage answer = await client.GetAsync(uri);
        return answer.StatusCode;
    }
}

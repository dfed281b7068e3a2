using System.Collections.Concurrent;
using System.Diagnostics.Tracing;
using Tandem.WebSockets.Tests.Support;

namespace Tandem.WebSockets.Tests.Telemetry;

/// <summary>
/// What <c>dotnet-counters monitor --counters Tandem.WebSockets</c> sees: it asks the event source of the metrics for a meter by its name, through
/// EventPipe. Here it is asked the same by a listener within the process.
/// </summary>
[Collection(nameof(Alone))]
public sealed class EventPipeTests
{
    [Fact]
    public async Task The_meter_is_found_by_its_name_with_its_instruments_and_attributes()
    {
        using var counters = new Counters();
        var handler = TestHandler.Echo();
        await using TestServer server = TestServer.Start(handler);
        using RawClient client = await server.Open();
        await client.Send(Wire.Text("x"));
        await client.ReadText("x");
        await Eventually.True(() => counters.Seen.ContainsKey("websocket.server.connections"), "connections");
        await Eventually.True(() => counters.Seen.ContainsKey("websocket.server.messages network.io.direction=receive"), "messages");
        await Eventually.True(() => counters.Seen.ContainsKey("websocket.server.loop.busy_time websocket.loop.id=0"), "the loop's busy time");
    }

    private sealed class Counters : EventListener
    {
        /// <summary>Instruments that had a value, with their attributes.</summary>
        public ConcurrentDictionary<string, bool> Seen { get; } = new();

        protected override void OnEventSourceCreated(EventSource eventSource)
        {
            if (eventSource.Name != "System.Diagnostics.Metrics") return;
            // The keyword for values; dotnet-counters sends these arguments.
            EnableEvents(eventSource, EventLevel.Informational, (EventKeywords)2, new Dictionary<string, string?>
            {
                ["SessionId"] = "test", ["Metrics"] = WebSocketTelemetry.Name, ["RefreshInterval"] = "0.1", ["MaxTimeSeries"] = "1000", ["MaxHistograms"] = "10",
            });
        }

        protected override void OnEventWritten(EventWrittenEventArgs eventData)
        {
            if (eventData.EventName is not ("CounterRateValuePublished" or "UpDownCounterRateValuePublished")) return;
            string? Value(string name) => eventData.PayloadNames!.IndexOf(name) is >= 0 and var index ? eventData.Payload![index] as string : null;
            if (Value("meterName") == WebSocketTelemetry.Name) Seen.TryAdd($"{Value("instrumentName")} {Value("tags")}".TrimEnd(), true);
        }
    }
}

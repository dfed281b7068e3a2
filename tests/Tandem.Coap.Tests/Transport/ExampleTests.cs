using System.Net;
using System.Text;

namespace Tandem.Coap.Tests.Transport;

/// <summary>The example of docs/coap.md, on a port that is free.</summary>
public sealed class ExampleTests
{
    [Fact]
    public async Task The_example_of_the_documentation_runs()
    {
        await using var server = new CoapServer(new CoapServerOptions { EndPoint = new IPEndPoint(IPAddress.Loopback, 0) });

        // Claim: POST. The body is whole, the handler is called once.
        server.Map("claim", (request, cancellation) => ValueTask.FromResult(new CoapResponse(CoapCode.Created) { Options = { LocationPath = "phones/7" } }));

        // Upstream: PUT, in the order of the client's calls. Downstream: Observe, the latest state.
        string state = "nothing yet";
        CoapResource phones = server.Map(
            "phones/*",
            (request, cancellation) =>
            {
                if (request.Method == CoapCode.Get) return ValueTask.FromResult(CoapResponse.Text(CoapCode.Content, state));
                if (request.Method != CoapCode.Put) return ValueTask.FromResult(new CoapResponse(CoapCode.MethodNotAllowed));
                state = Encoding.UTF8.GetString(request.Payload.Span);
                return ValueTask.FromResult(new CoapResponse(CoapCode.Changed));
            },
            new CoapResourceOptions { IsObservable = true, OnObservationEnded = (request, why) => Console.WriteLine($"{request.RemoteEndPoint}: {why}") });
        server.Start();

        var states = new List<string>();
        await using CoapClient client = await CoapClient.CreateAsync(new Uri($"coap://127.0.0.1:{server.LocalEndPoint.Port}"));
        CoapResponse claimed = await client.SendAsync(new CoapRequest(CoapCode.Post, "claim"));
        string phone = claimed.Options.LocationPath;
        await foreach (CoapResponse seen in client.ObserveAsync(new CoapRequest(CoapCode.Get, phone)))
        {
            states.Add(seen.ReadText());
            if (seen.ReadText() == "hello") break;
            await client.SendAsync(new CoapRequest(CoapCode.Put, phone) { Payload = "hello"u8.ToArray() });
            phones.Notify(phone);
        }

        Assert.Equal(["nothing yet", "hello"], states);
    }
}

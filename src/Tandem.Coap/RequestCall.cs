using Tandem.Coap.Exchanges;
using Tandem.Coap.Observe;

namespace Tandem.Coap;

/// <summary>A whole request on its way to its handler.</summary>
internal sealed record RequestCall(IncomingRequest Incoming, CoapRequest Request, CoapResource Resource, Observation? Observation);

/// <summary>The calls of one client: they begin in the order in which their requests came.</summary>
internal sealed class RequestQueue
{
    public Queue<RequestCall> Calls { get; } = new();

    /// <summary>Whether somebody takes them out.</summary>
    public bool IsServed { get; set; }
}

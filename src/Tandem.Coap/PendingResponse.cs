using Tandem.Coap.Exchanges;
using Tandem.Coap.Observe;

namespace Tandem.Coap;

/// <summary>What a client's call awaits. The gate is held when it is told.</summary>
internal sealed class PendingResponse(TurnQueue.Turn? turn, ClientObservation? observation)
{
    private readonly TaskCompletionSource<CoapMessage> _response = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Task<CoapMessage> Response => _response.Task;

    public Sending? Sending { get; set; }

    public void OnEvent(ExchangeEvent happened, TimeSpan now)
    {
        switch (happened.Kind)
        {
            case ExchangeEventKind.Acknowledged:
                // RFC 7252 section 4.7: it is not outstanding any more.
                turn?.Dispose();
                break;
            case ExchangeEventKind.Response when !_response.Task.IsCompleted:
                observation?.Begin(happened.Message!, now);
                _response.TrySetResult(happened.Message!);
                break;
            case ExchangeEventKind.Response:
                observation?.Add(happened.Message!, now);
                break;
            default:
                CoapException failure = FailureOf(happened.Kind);
                _response.TrySetException(failure);
                // The first call has its own failure; nobody else has to look at this one.
                _ = _response.Task.Exception;
                observation?.Complete(failure);
                break;
        }
    }

    private static CoapException FailureOf(ExchangeEventKind kind) => kind switch
    {
        ExchangeEventKind.Reset => new CoapException(CoapError.Reset, "The server has rejected the request by a reset."),
        ExchangeEventKind.Unusable => new CoapException(CoapError.UnusableResponse, "The response has a critical option that is not understood."),
        _ => new CoapException(CoapError.TimedOut, "The server did not answer in time."),
    };
}

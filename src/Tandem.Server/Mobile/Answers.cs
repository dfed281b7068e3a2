using Tandem.Coap;
using Tandem.Sessions.Protocol;

namespace Tandem.Server.Mobile;

/// <summary>What a hub answers, in CoAP's codes.</summary>
internal static class Answers
{
    // The protocol's: the same again after 10 s.
    private const uint TooManyAge = 10;

    // An inbox that is full is emptied by its end as fast as that can; a hub that is away is looked for every few seconds.
    private const uint FullAge = 1;
    private const uint UnavailableAge = 3;

    public static CoapResponse Unavailable() => new(CoapCode.ServiceUnavailable) { MaxAge = UnavailableAge };

    public static CoapResponse Of(SessionCode code, CoapCode success) => code switch
    {
        SessionCode.Ok => new CoapResponse(success),
        SessionCode.NotFound => new CoapResponse(CoapCode.NotFound),
        SessionCode.TooManyRequests or SessionCode.TooManySessions => new CoapResponse(CoapCode.TooManyRequests) { MaxAge = TooManyAge },
        SessionCode.Full => new CoapResponse(CoapCode.ServiceUnavailable) { MaxAge = FullAge },
        SessionCode.PayloadTooLarge => new CoapResponse(CoapCode.RequestEntityTooLarge),
        SessionCode.InvalidName => new CoapResponse(CoapCode.BadRequest),
        SessionCode.Forbidden => new CoapResponse(CoapCode.Forbidden),
        _ => Unavailable(),
    };
}

using System.Globalization;

namespace Tandem.Coap;

/// <summary>A method or a response code (RFC 7252 section 12.1): a class of three bits and a detail of five.</summary>
/// <param name="Value">The byte on the wire.</param>
public readonly record struct CoapCode(byte Value)
{
    /// <summary>0.00: an empty message.</summary>
    public static readonly CoapCode Empty;

    /// <summary>0.01.</summary>
    public static readonly CoapCode Get = new(0, 1);

    /// <summary>0.02.</summary>
    public static readonly CoapCode Post = new(0, 2);

    /// <summary>0.03.</summary>
    public static readonly CoapCode Put = new(0, 3);

    /// <summary>0.04.</summary>
    public static readonly CoapCode Delete = new(0, 4);

    /// <summary>2.01.</summary>
    public static readonly CoapCode Created = new(2, 1);

    /// <summary>2.02.</summary>
    public static readonly CoapCode Deleted = new(2, 2);

    /// <summary>2.03: the representation with the ETag of the response is still the one.</summary>
    public static readonly CoapCode Valid = new(2, 3);

    /// <summary>2.04.</summary>
    public static readonly CoapCode Changed = new(2, 4);

    /// <summary>2.05.</summary>
    public static readonly CoapCode Content = new(2, 5);

    /// <summary>2.31: the next block, please (RFC 7959 section 2.9.1).</summary>
    public static readonly CoapCode Continue = new(2, 31);

    /// <summary>4.00.</summary>
    public static readonly CoapCode BadRequest = new(4, 0);

    /// <summary>4.01; with an Echo option it asks the client to prove its address (RFC 9175 section 2.3).</summary>
    public static readonly CoapCode Unauthorized = new(4, 1);

    /// <summary>4.02: a critical option is not understood.</summary>
    public static readonly CoapCode BadOption = new(4, 2);

    /// <summary>4.03.</summary>
    public static readonly CoapCode Forbidden = new(4, 3);

    /// <summary>4.04.</summary>
    public static readonly CoapCode NotFound = new(4, 4);

    /// <summary>4.05.</summary>
    public static readonly CoapCode MethodNotAllowed = new(4, 5);

    /// <summary>4.06.</summary>
    public static readonly CoapCode NotAcceptable = new(4, 6);

    /// <summary>4.08: blocks of the request are missing (RFC 7959 section 2.9.2).</summary>
    public static readonly CoapCode RequestEntityIncomplete = new(4, 8);

    /// <summary>4.12: If-Match or If-None-Match does not hold.</summary>
    public static readonly CoapCode PreconditionFailed = new(4, 12);

    /// <summary>4.13: the body, or its block, is too large (RFC 7959 section 2.9.3).</summary>
    public static readonly CoapCode RequestEntityTooLarge = new(4, 13);

    /// <summary>4.15.</summary>
    public static readonly CoapCode UnsupportedContentFormat = new(4, 15);

    /// <summary>4.29: too many requests; Max-Age says when to try again (RFC 8516).</summary>
    public static readonly CoapCode TooManyRequests = new(4, 29);

    /// <summary>5.00.</summary>
    public static readonly CoapCode InternalServerError = new(5, 0);

    /// <summary>5.01.</summary>
    public static readonly CoapCode NotImplemented = new(5, 1);

    /// <summary>5.02.</summary>
    public static readonly CoapCode BadGateway = new(5, 2);

    /// <summary>5.03; Max-Age says when to try again.</summary>
    public static readonly CoapCode ServiceUnavailable = new(5, 3);

    /// <summary>5.04.</summary>
    public static readonly CoapCode GatewayTimeout = new(5, 4);

    /// <summary>5.05.</summary>
    public static readonly CoapCode ProxyingNotSupported = new(5, 5);

    /// <summary>A code from its two parts.</summary>
    /// <param name="class">0 to 7: 0 for methods, 2 to 5 for responses; the others are reserved.</param>
    /// <param name="detail">0 to 31.</param>
    public CoapCode(int @class, int detail)
        : this((byte)((@class << 5) | detail))
    {
    }

    /// <summary>0 to 7.</summary>
    public int Class => Value >> 5;

    /// <summary>0 to 31.</summary>
    public int Detail => Value & 0x1F;

    /// <summary>Whether it is a method, known or not.</summary>
    public bool IsRequest => Class == 0 && Detail != 0;

    /// <summary>Whether it is a response code, known or not.</summary>
    public bool IsResponse => Class is >= 2 and <= 5;

    /// <summary>Whether it is a response code of class 2.</summary>
    public bool IsSuccess => Class == 2;

    /// <summary>As the RFC writes it, for example "2.05".</summary>
    /// <returns>Four characters.</returns>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Class}.{Detail:00}");
}

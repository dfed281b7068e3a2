namespace Tandem.Coap;

/// <summary>Numbers of content formats (RFC 7252 section 12.3, and the registry); any other may be used as well.</summary>
public static class CoapContentFormat
{
    /// <summary>text/plain; charset=utf-8.</summary>
    public const ushort TextPlain = 0;

    /// <summary>application/link-format (RFC 6690).</summary>
    public const ushort LinkFormat = 40;

    /// <summary>application/octet-stream.</summary>
    public const ushort OctetStream = 42;

    /// <summary>application/json.</summary>
    public const ushort Json = 50;

    /// <summary>application/cbor.</summary>
    public const ushort Cbor = 60;
}

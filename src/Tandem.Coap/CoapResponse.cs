using System.Text;

namespace Tandem.Coap;

/// <summary>A response: what a handler answers, and what a client is given. Its body is whole, however many blocks it takes on the wire.</summary>
public sealed class CoapResponse
{
    /// <summary>A response without a body.</summary>
    /// <param name="code">For example <see cref="CoapCode.Changed"/>.</param>
    /// <exception cref="ArgumentException">The code is not one of a response.</exception>
    public CoapResponse(CoapCode code)
        : this(code, new CoapOptionSet())
    {
    }

    internal CoapResponse(CoapCode code, CoapOptionSet options)
    {
        if (!code.IsResponse) throw new ArgumentException($"{code} is not a response code.", nameof(code));
        Code = code;
        Options = options;
    }

    /// <summary>The code.</summary>
    public CoapCode Code { get; }

    /// <summary>The options. Those of blocks, of observing and of proving an address are added by this library.</summary>
    public CoapOptionSet Options { get; }

    /// <summary>The body; of an error, a text for people (RFC 7252 section 5.5.2).</summary>
    public ReadOnlyMemory<byte> Payload { get; init; }

    /// <summary>Whether the code is one of class 2.</summary>
    public bool IsSuccess => Code.IsSuccess;

    /// <summary>Content-Format of the body; null when it is not said.</summary>
    public ushort? ContentFormat
    {
        get => Options.ContentFormat;
        init => Options.ContentFormat = value;
    }

    /// <summary>The ETag, 1 to 8 bytes. A body that takes several blocks gets one by itself, of its bytes.</summary>
    public ReadOnlyMemory<byte>? ETag
    {
        get => Options.ETag;
        init => Options.ETag = value;
    }

    /// <summary>Seconds for which it is fresh; null means 60.</summary>
    public uint? MaxAge
    {
        get => Options.MaxAge;
        init => Options.MaxAge = value;
    }

    /// <summary>A response with a text.</summary>
    /// <param name="code">The code.</param>
    /// <param name="text">The body; Content-Format is text/plain, or nothing when the code is an error (section 5.5.2).</param>
    /// <returns>The response.</returns>
    public static CoapResponse Text(CoapCode code, string text) => new(code)
    {
        Payload = Encoding.UTF8.GetBytes(text),
        ContentFormat = code.IsSuccess ? CoapContentFormat.TextPlain : null,
    };

    /// <summary>The body as UTF-8 text.</summary>
    /// <returns>The text; what is not UTF-8 is replaced by U+FFFD.</returns>
    public string ReadText() => Encoding.UTF8.GetString(Payload.Span);
}

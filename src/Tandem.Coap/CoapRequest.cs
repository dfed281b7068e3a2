using System.Net;

namespace Tandem.Coap;

/// <summary>A request: what a client sends, and what a handler is given. Its body is whole, however many blocks it takes on the wire.</summary>
public sealed class CoapRequest
{
    /// <summary>A request.</summary>
    /// <param name="method">For example <see cref="CoapCode.Get"/>.</param>
    /// <param name="path">See <see cref="CoapOptionSet.Path"/>.</param>
    /// <exception cref="ArgumentException">The code is not a method.</exception>
    public CoapRequest(CoapCode method, string path)
        : this(method, new CoapOptionSet { Path = path })
    {
    }

    internal CoapRequest(CoapCode method, CoapOptionSet options)
    {
        if (!method.IsRequest) throw new ArgumentException($"{method} is not a method.", nameof(method));
        Method = method;
        Options = options;
    }

    /// <summary>The method.</summary>
    public CoapCode Method { get; }

    /// <summary>The options. Those of blocks, of observing and of proving an address are added and taken away by this library.</summary>
    public CoapOptionSet Options { get; }

    /// <summary>The body; empty when there is none.</summary>
    public ReadOnlyMemory<byte> Payload { get; init; }

    /// <summary>The path, see <see cref="CoapOptionSet.Path"/>.</summary>
    public string Path => Options.Path;

    /// <summary>Whether it is sent until it is acknowledged (CON), or once (NON). Default true.</summary>
    public bool IsConfirmable { get; init; } = true;

    /// <summary>Content-Format of the body; null when it is not said.</summary>
    public ushort? ContentFormat
    {
        get => Options.ContentFormat;
        init => Options.ContentFormat = value;
    }

    /// <summary>For handlers: who asks. Null in a client.</summary>
    public IPEndPoint? RemoteEndPoint { get; internal init; }

    /// <summary>For handlers: whether the request begins an observation, or is one whose next notification is made. See <see cref="CoapResource.Notify()"/>.</summary>
    public bool IsObservation { get; internal init; }

    /// <summary>For handlers: what the client knows the request by; with <see cref="RemoteEndPoint"/> it names an observation.</summary>
    public CoapToken Token { get; internal init; }
}

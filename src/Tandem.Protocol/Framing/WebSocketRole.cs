namespace Tandem.Protocol.Framing;

/// <summary>Which end of the connection this is. It decides who masks (RFC 6455 section 5.1) and who ends TCP first (section 7.1.1).</summary>
public enum WebSocketRole : byte
{
    /// <summary>Receives masked frames, sends unmasked ones.</summary>
    Server,

    /// <summary>Receives unmasked frames, masks every frame it sends.</summary>
    Client,
}

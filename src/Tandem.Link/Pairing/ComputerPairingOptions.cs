using Tandem.Link.Protocol;

namespace Tandem.Link.Pairing;

/// <summary>What a computer tells the phone of itself before it is asked for the number.</summary>
public sealed class ComputerPairingOptions
{
    /// <summary>The origin of the page that asks, at most 255 bytes of UTF-8. Longer texts are cut, here and below.</summary>
    public string Origin { get; init; } = "";

    /// <summary>Its browser, at most 128 bytes.</summary>
    public string Browser { get; init; } = "";

    /// <summary>The computer's address as the server told it, at most 64 bytes; empty (the default): not known.</summary>
    public string Address { get; init; } = "";

    /// <summary>What the server gave this browser for a login, at most 64 bytes; empty (the default): the computer wants to be linked.</summary>
    public string LoginId { get; init; } = "";

    /// <summary>The phones that need no code; none by default.</summary>
    public IReadOnlyList<TrustedEnd> Trusted { get; init; } = [];

    internal byte[] ToPayload(ReadOnlySpan<byte> commitment) => new AnswerPayload
    {
        Flags = LoginId.Length > 0 ? AnswerFlags.Login : AnswerFlags.None, Commitment = commitment,
        Origin = WireText.Encode(Origin, LinkLimits.MaxOriginBytes), Browser = WireText.Encode(Browser, LinkLimits.MaxBrowserBytes),
        Address = WireText.Encode(Address, LinkLimits.MaxAddressBytes), LoginId = WireText.Encode(LoginId, LinkLimits.MaxLoginIdBytes),
    }.ToArray();
}

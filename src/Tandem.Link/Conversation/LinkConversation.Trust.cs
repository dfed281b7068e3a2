using Tandem.Link.Noise;
using Tandem.Link.Pairing;
using Tandem.Link.Protocol;

namespace Tandem.Link.Conversation;

/// <content>Trust: both owners agree, and each end has a key pair for the other.</content>
public sealed partial class LinkConversation
{
    private LinkKeyPair? _ownTrust;
    private byte[]? _ownTrustKey;
    private byte[]? _otherTrustKey;
    private TrustFlags? _trustIsDue;
    private bool _isTrusted;

    /// <summary>This end's owner wants the ends to link again without a code, or agrees to it.</summary>
    public void Trust()
    {
        if (_ownTrustKey != null) return;
        _ownTrust = LinkKeyPair.Create();
        _ownTrustKey = _ownTrust.PublicKey.ToArray();
        _trustIsDue = _otherTrustKey == null ? TrustFlags.None : TrustFlags.Agreed;
        if (_otherTrustKey != null) Agree();
    }

    /// <summary>This end has erased its keys, and tells the other.</summary>
    public void RevokeTrust()
    {
        ForgetTrust();
        _revokeIsDue = true;
    }

    private LinkFault Receive(TrustMessage trust)
    {
        if (!P256.IsPoint(trust.PublicKey)) return LinkFault.InvalidPoint;
        bool agrees = trust.Flags.HasFlag(TrustFlags.Agreed);
        if (_isTrusted && trust.PublicKey.SequenceEqual(_otherTrustKey))
        {
            // The answer was lost.
            if (!agrees) _trustIsDue = TrustFlags.Agreed;
            return LinkFault.None;
        }

        if (agrees && _ownTrustKey == null) return LinkFault.OutOfTurn;
        if (_isTrusted) ForgetTrust();
        _otherTrustKey = trust.PublicKey.ToArray();
        // Who has asked at the same time has agreed.
        if (_ownTrustKey != null) Agree();
        else _events.OnTrustAsked();
        return LinkFault.None;
    }

    private void Agree()
    {
        _isTrusted = TrustedEnd.TryCreate(_ownTrust!, _otherTrustKey, out TrustedEnd? trusted);
        _ownTrust = null; // the program's
        _events.OnTrusted(trusted!);
    }

    private void ForgetTrust()
    {
        _ownTrust?.Dispose();
        (_ownTrust, _ownTrustKey, _otherTrustKey, _isTrusted, _trustIsDue) = (null, null, null, false, null);
    }

    private void ResyncTrust()
    {
        if (_ownTrustKey != null && !_isTrusted) _trustIsDue = TrustFlags.None;
    }

    private byte[]? TakeTrust()
    {
        if (_trustIsDue is { } flags)
        {
            _trustIsDue = null;
            return new TrustMessage { Flags = flags, PublicKey = _ownTrustKey }.ToArray();
        }

        if (_revokeIsDue)
        {
            _revokeIsDue = false;
            return default(TrustRevokedMessage).ToArray();
        }

        if (!_loginIsDue) return null;
        _loginIsDue = false;
        return default(LoginApprovedMessage).ToArray();
    }
}

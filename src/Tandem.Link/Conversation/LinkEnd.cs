using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using Tandem.Link.Envelopes;
using Tandem.Link.Protocol;

namespace Tandem.Link.Conversation;

/// <summary>One end of a link: a conversation in sealed envelopes. A program moves bytes between it and mailboxes, and nothing more.</summary>
/// <remarks>
/// What came to <see cref="LinkChannel.OwnInbox"/> goes to <see cref="Receive"/>; then the state is stored, then the delivery is settled. What <see cref="TryTake"/> gives goes to
/// <see cref="LinkChannel.OtherInbox"/>. One caller at a time.
/// </remarks>
public sealed class LinkEnd : IDisposable
{
    /// <summary>Joins what pairing has left with a new conversation.</summary>
    /// <param name="channel">The keys, which become this object's to dispose of.</param>
    /// <param name="options">What this end says of itself.</param>
    /// <param name="events">Who is told.</param>
    /// <param name="now">Milliseconds of any clock that does not go back, here and below.</param>
    public LinkEnd(LinkChannel channel, LinkConversationOptions options, LinkEvents events, long now)
    {
        Channel = channel;
        Conversation = new LinkConversation(channel.IsComputer, options, events, now);
    }

    /// <summary>The keys and the mailboxes.</summary>
    public LinkChannel Channel { get; }

    /// <summary>What is said.</summary>
    public LinkConversation Conversation { get; }

    /// <summary>Goes on with what <see cref="Export"/> gave.</summary>
    /// <param name="state">The bytes.</param>
    /// <param name="options">What this end says of itself.</param>
    /// <param name="events">Who is told.</param>
    /// <param name="now">The time.</param>
    /// <param name="end">The end; <see cref="StoreWith"/> comes next.</param>
    /// <returns>False: these are not such bytes.</returns>
    public static bool TryImport(ReadOnlySpan<byte> state, LinkConversationOptions options, LinkEvents events, long now, [NotNullWhen(true)] out LinkEnd? end)
    {
        end = null;
        if (state.Length < sizeof(int)) return false;
        uint length = BinaryPrimitives.ReadUInt32BigEndian(state);
        state = state[sizeof(int)..];
        if (length > state.Length || !LinkChannel.TryImport(state[..(int)length], out LinkChannel? channel)) return false;
        var imported = new LinkEnd(channel, options, events, now);
        if (!imported.Conversation.TryRestore(state[(int)length..]))
        {
            imported.Dispose();
            return false;
        }

        end = imported;
        return true;
    }

    /// <summary>Has the state stored when that must not wait: see <see cref="LinkChannel.StoreWith"/>.</summary>
    /// <param name="store">Gets the state, and has stored it when it returns.</param>
    public void StoreWith(Action<byte[]> store) => Channel.StoreWith(_ => store(Export()));

    /// <summary>What <see cref="TryImport"/> goes on with. It is secret.</summary>
    /// <returns>Bytes.</returns>
    public byte[] Export()
    {
        byte[] channel = Channel.Export();
        byte[] length = new byte[sizeof(int)];
        BinaryPrimitives.WriteInt32BigEndian(length, channel.Length);
        return [.. length, .. channel, .. Conversation.Export()];
    }

    /// <summary>Takes what came to this end's inbox.</summary>
    /// <param name="envelope">Any bytes.</param>
    /// <param name="now">The time.</param>
    /// <returns>What came of the envelope. None of it is a reason to end anything.</returns>
    public EnvelopeOutcome Receive(ReadOnlySpan<byte> envelope, long now)
    {
        EnvelopeOutcome outcome = Channel.Open(envelope, out ReadOnlySpan<byte> message, out LinkFault fault);
        if (outcome is EnvelopeOutcome.Repetition or EnvelopeOutcome.NotOpened) return outcome;
        if (outcome == EnvelopeOutcome.OpenedAfterGap) Conversation.Lost();
        if (fault == LinkFault.None) Conversation.Receive(message, now);
        else Conversation.Break(fault);
        return outcome;
    }

    /// <summary>The next envelope for the other end's inbox.</summary>
    /// <param name="now">The time.</param>
    /// <param name="envelope">The bytes.</param>
    /// <returns>False: there is none until something happens.</returns>
    public bool TryTake(long now, out byte[] envelope)
    {
        bool isTaken = Conversation.TryTake(now, out byte[] message);
        envelope = isTaken ? Channel.Seal(message, now) : [];
        return isTaken;
    }

    /// <summary>Erases the keys.</summary>
    public void Dispose() => Channel.Dispose();
}

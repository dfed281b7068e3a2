using Tandem.Sessions.Protocol;

namespace Tandem.Sessions;

/// <summary>A message of a mailbox.</summary>
/// <param name="Publisher">The client that sent it; 0: the application on the server.</param>
/// <param name="Number">The number that the sender gave it.</param>
/// <param name="Flags">Text or not; on delivery also whether it was delivered before.</param>
/// <param name="Payload">Its bytes, which must not change any more.</param>
public readonly record struct MailboxMessage(ulong Publisher, long Number, MessageFlags Flags, ReadOnlyMemory<byte> Payload);

/// <summary>
/// The one consumer of a mailbox. The hub calls <see cref="Settle"/>, <see cref="Resume"/> and <see cref="Close"/>, which the backplane sets when it grants the mailbox; the
/// backplane calls <see cref="TryDeliver"/> and <see cref="OnClosed"/>.
/// </summary>
public abstract class MailboxConsumer
{
    /// <summary>Most deliveries without settlement: 1 to 256.</summary>
    public required int Prefetch { get; init; }

    /// <summary>Set by the backplane: a delivery is done with, and its message is forgotten. Unknown numbers are ignored.</summary>
    public Action<long>? Settle { get; set; }

    /// <summary>Set by the backplane: there is room for deliveries, again or for the first time.</summary>
    public Action? Resume { get; set; }

    /// <summary>Set by the backplane: no more deliveries; what is not settled goes back to the front in its order, marked as redelivered. May be called twice.</summary>
    public Action? Close { get; set; }

    /// <summary>A delivery. One call at a time, in order, no locks held.</summary>
    /// <param name="delivery">Its number: 1, 2, 3, ... for this consumer.</param>
    /// <param name="message">The message.</param>
    /// <returns>False: no room; it is delivered, with the same number, after <see cref="Resume"/>.</returns>
    public abstract bool TryDeliver(long delivery, MailboxMessage message);

    /// <summary>The mailbox is this consumer's no longer: taken over, expired, or out of reach.</summary>
    /// <param name="code">Why.</param>
    public abstract void OnClosed(SessionCode code);
}

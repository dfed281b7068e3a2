namespace Tandem.Link.Pairing;

/// <summary>Where the computer is with a pairing.</summary>
public enum ComputerPairingState
{
    /// <summary>It has not begun.</summary>
    Idle,

    /// <summary>A code is shown.</summary>
    Showing,

    /// <summary>A phone has claimed the code.</summary>
    Claimed,

    /// <summary>The number is shown.</summary>
    Numbered,

    /// <summary>A trusted phone has claimed its ticket, or somebody has repeated what it said once: CONFIRMED will tell.</summary>
    Recognized,

    /// <summary>The link is there.</summary>
    Linked,

    /// <summary>It has failed, and its owner is told why.</summary>
    Dead,
}

/// <summary>What can happen to a pairing, as the computer sees it.</summary>
internal enum ComputerPairingSignal
{
    Start,
    CodeAged,
    Claim,
    TrustedClaim,
    SecondClaim,
    Nonce,
    Confirmed,
    End,
    Overdue,
    OutOfTurn,
    NewCode,
    Unlink,
    Refuse,

    /// <summary>The phone that has claimed the ticket of the link that is up has confirmed.</summary>
    SuccessorConfirmed,

    /// <summary>It has not, in time, or has said anything else.</summary>
    SuccessorOver,
}

/// <summary>What the computer does about it, in this order.</summary>
[Flags]
internal enum ComputerPairingActions
{
    None = 0,
    Answer = 1,
    Reveal = 2,
    EndSecondClaim = 4,
    EndTooSlow = 8,
    EndProtocolError = 16,
    EndUnlinked = 32,

    /// <summary>No phone can claim any more.</summary>
    CloseTickets = 64,

    /// <summary>The keys are erased and the inbox is closed.</summary>
    Erase = 128,

    /// <summary>A new secret; its ticket is opened, and the one before the last closed.</summary>
    ShowCode = 256,

    /// <summary>A claim is answered, from an inbox of its own; the link that is up knows nothing of it.</summary>
    AnswerSuccessor = 512,

    /// <summary>END on the link that was up, whose keys are erased; the claim is the link from now on.</summary>
    Replace = 1024,

    /// <summary>Nothing of that claim is left.</summary>
    ForgetSuccessor = 2048,

    EndRefused = 4096,
}

/// <summary>Pairing as the computer sees it: the table of docs/link-protocol.md. What is not in it changes nothing.</summary>
internal static class ComputerPairingTable
{
    private const ComputerPairingActions Over = ComputerPairingActions.CloseTickets | ComputerPairingActions.Erase;
    private const ComputerPairingActions Again = Over | ComputerPairingActions.ShowCode;

    public static (ComputerPairingState Next, ComputerPairingActions Actions) Next(ComputerPairingState state, ComputerPairingSignal signal) => (state, signal) switch
    {
        (ComputerPairingState.Idle, ComputerPairingSignal.Start) => (ComputerPairingState.Showing, ComputerPairingActions.ShowCode),

        (ComputerPairingState.Showing, ComputerPairingSignal.CodeAged) => (ComputerPairingState.Showing, ComputerPairingActions.ShowCode),
        (ComputerPairingState.Showing, ComputerPairingSignal.Claim) => (ComputerPairingState.Claimed, ComputerPairingActions.Answer),
        (ComputerPairingState.Showing, ComputerPairingSignal.TrustedClaim) => (ComputerPairingState.Recognized, ComputerPairingActions.Answer),

        (ComputerPairingState.Claimed, ComputerPairingSignal.Nonce) => (ComputerPairingState.Numbered, ComputerPairingActions.Reveal),
        (ComputerPairingState.Numbered, ComputerPairingSignal.Confirmed) => (ComputerPairingState.Linked, ComputerPairingActions.CloseTickets),

        (ComputerPairingState.Claimed or ComputerPairingState.Numbered, ComputerPairingSignal.SecondClaim) => (ComputerPairingState.Dead, ComputerPairingActions.EndSecondClaim | Over),
        (ComputerPairingState.Claimed or ComputerPairingState.Numbered, ComputerPairingSignal.End) => (ComputerPairingState.Dead, Over),
        (ComputerPairingState.Claimed or ComputerPairingState.Numbered, ComputerPairingSignal.Overdue) => (ComputerPairingState.Dead, ComputerPairingActions.EndTooSlow | Over),

        (ComputerPairingState.Claimed or ComputerPairingState.Numbered, ComputerPairingSignal.Refuse) => (ComputerPairingState.Showing, ComputerPairingActions.EndRefused | Again),

        // Whoever repeats an old CLAIM must neither keep the phone itself out nor raise an alarm.
        (ComputerPairingState.Recognized, ComputerPairingSignal.TrustedClaim) => (ComputerPairingState.Recognized, ComputerPairingActions.Answer),
        (ComputerPairingState.Recognized, ComputerPairingSignal.Confirmed) => (ComputerPairingState.Linked, ComputerPairingActions.CloseTickets),
        (ComputerPairingState.Recognized, ComputerPairingSignal.End or ComputerPairingSignal.Overdue) => (ComputerPairingState.Showing, Again),

        // A claim alone proves nothing, since the server may have kept it: the link stays as it is until CONFIRMED.
        (ComputerPairingState.Linked, ComputerPairingSignal.TrustedClaim) => (ComputerPairingState.Linked, ComputerPairingActions.AnswerSuccessor),
        (ComputerPairingState.Linked, ComputerPairingSignal.SuccessorConfirmed) => (ComputerPairingState.Linked, ComputerPairingActions.Replace),
        (ComputerPairingState.Linked, ComputerPairingSignal.SuccessorOver or ComputerPairingSignal.Overdue) => (ComputerPairingState.Linked, ComputerPairingActions.ForgetSuccessor),

        (ComputerPairingState.Linked, ComputerPairingSignal.End) => (ComputerPairingState.Showing, Again),
        (ComputerPairingState.Linked, ComputerPairingSignal.Unlink) => (ComputerPairingState.Showing, ComputerPairingActions.EndUnlinked | Again),

        (ComputerPairingState.Claimed or ComputerPairingState.Numbered or ComputerPairingState.Recognized or ComputerPairingState.Linked,
            ComputerPairingSignal.Nonce or ComputerPairingSignal.Confirmed or ComputerPairingSignal.OutOfTurn) =>
            (ComputerPairingState.Dead, ComputerPairingActions.EndProtocolError | Over),

        (ComputerPairingState.Dead, ComputerPairingSignal.NewCode) => (ComputerPairingState.Showing, ComputerPairingActions.ShowCode),
        _ => (state, ComputerPairingActions.None),
    };
}

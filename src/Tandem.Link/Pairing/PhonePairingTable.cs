namespace Tandem.Link.Pairing;

/// <summary>Where the phone is with a pairing.</summary>
public enum PhonePairingState
{
    /// <summary>It has not begun.</summary>
    Idle,

    /// <summary>CLAIM is sent.</summary>
    Claiming,

    /// <summary>A computer has answered; who asks is shown.</summary>
    Asked,

    /// <summary>Three numbers are shown.</summary>
    Choosing,

    /// <summary>The link is there.</summary>
    Linked,

    /// <summary>It has failed, or is over.</summary>
    Dead,
}

/// <summary>What can happen to a pairing, as the phone sees it.</summary>
internal enum PhonePairingSignal
{
    Start,
    NotFound,
    Answer,
    TrustedAnswer,
    Reveal,
    WrongReveal,
    RightNumber,
    WrongNumber,
    NoneOfThese,
    Refuse,
    End,
    TakenOver,
    Overdue,
    OutOfTurn,
    Unlink,
}

/// <summary>What the phone does about it, in this order.</summary>
[Flags]
internal enum PhonePairingActions
{
    None = 0,

    /// <summary>The inbox is opened, then CLAIM is sent.</summary>
    Claim = 1,
    Nonce = 2,
    Confirmed = 4,
    EndWrongNumber = 8,
    EndNoneOfThese = 16,
    EndRefused = 32,
    EndProtocolError = 64,
    EndUnlinked = 128,

    /// <summary>The keys are erased and the inbox is closed.</summary>
    Erase = 256,
}

/// <summary>Pairing as the phone sees it: the table of docs/link-protocol.md. What is not in it changes nothing.</summary>
internal static class PhonePairingTable
{
    public static (PhonePairingState Next, PhonePairingActions Actions) Next(PhonePairingState state, PhonePairingSignal signal) => (state, signal) switch
    {
        (PhonePairingState.Idle, PhonePairingSignal.Start) => (PhonePairingState.Claiming, PhonePairingActions.Claim),

        (PhonePairingState.Claiming, PhonePairingSignal.NotFound) => (PhonePairingState.Dead, PhonePairingActions.Erase),
        (PhonePairingState.Claiming, PhonePairingSignal.Answer) => (PhonePairingState.Asked, PhonePairingActions.Nonce),
        (PhonePairingState.Claiming, PhonePairingSignal.TrustedAnswer) => (PhonePairingState.Linked, PhonePairingActions.Confirmed),

        (PhonePairingState.Asked, PhonePairingSignal.Reveal) => (PhonePairingState.Choosing, PhonePairingActions.None),
        (PhonePairingState.Asked, PhonePairingSignal.WrongReveal) => (PhonePairingState.Dead, PhonePairingActions.EndProtocolError | PhonePairingActions.Erase),

        (PhonePairingState.Choosing, PhonePairingSignal.RightNumber) => (PhonePairingState.Linked, PhonePairingActions.Confirmed),
        (PhonePairingState.Choosing, PhonePairingSignal.WrongNumber) => (PhonePairingState.Dead, PhonePairingActions.EndWrongNumber | PhonePairingActions.Erase),
        (PhonePairingState.Choosing, PhonePairingSignal.NoneOfThese) => (PhonePairingState.Dead, PhonePairingActions.EndNoneOfThese | PhonePairingActions.Erase),

        (PhonePairingState.Asked or PhonePairingState.Choosing, PhonePairingSignal.Refuse) => (PhonePairingState.Dead, PhonePairingActions.EndRefused | PhonePairingActions.Erase),
        (PhonePairingState.Asked or PhonePairingState.Choosing, PhonePairingSignal.End) => (PhonePairingState.Dead, PhonePairingActions.Erase),
        (PhonePairingState.Claiming or PhonePairingState.Asked or PhonePairingState.Choosing, PhonePairingSignal.TakenOver or PhonePairingSignal.Overdue) =>
            (PhonePairingState.Dead, PhonePairingActions.Erase),

        (PhonePairingState.Linked, PhonePairingSignal.End) => (PhonePairingState.Dead, PhonePairingActions.Erase),
        (PhonePairingState.Linked, PhonePairingSignal.Unlink) => (PhonePairingState.Dead, PhonePairingActions.EndUnlinked | PhonePairingActions.Erase),

        (PhonePairingState.Choosing, PhonePairingSignal.Reveal or PhonePairingSignal.WrongReveal) or
            (PhonePairingState.Linked, PhonePairingSignal.Reveal or PhonePairingSignal.WrongReveal) or
            (PhonePairingState.Asked or PhonePairingState.Choosing or PhonePairingState.Linked, PhonePairingSignal.OutOfTurn) =>
            (PhonePairingState.Dead, PhonePairingActions.EndProtocolError | PhonePairingActions.Erase),
        _ => (state, PhonePairingActions.None),
    };
}

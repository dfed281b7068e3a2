using Tandem.Link.Pairing;

namespace Tandem.Link.Tests.Pairing;

/// <summary>docs/link-protocol.md, "Pairing, as the computer sees it" and "as the phone sees it": every cell.</summary>
public class PairingTableTests
{
    // Rows: states. Columns: signals. "-": nothing changes. Otherwise the next state's first letters, and the first letters of what is done:
    // A answer, R reveal, 2 SecondClaim, T TooSlow, P ProtocolError, U Unlinked, C close tickets, E erase, S show a code; of a phone that links again: B answer it beside the link, L the link is
    // replaced, F it is forgotten; X Refused.
    private const string Computer = """
                     Start    CodeAged Claim    Trusted  Second   Nonce    Confirm  End      Overdue  OutOfTurn NewCode  Unlink   Refuse    SuccConf SuccOver
        Idle         Sho:S    -        -        -        -        -        -        -        -        -         -        -        -         -        -
        Showing      -        Sho:S    Cla:A    Rec:A    -        -        -        -        -        -         -        -        -         -        -
        Claimed      -        -        -        -        Dea:2CE  Num:R    Dea:PCE  Dea:CE   Dea:TCE  Dea:PCE   -        -        Sho:CESX  -        -
        Numbered     -        -        -        -        Dea:2CE  Dea:PCE  Lin:C    Dea:CE   Dea:TCE  Dea:PCE   -        -        Sho:CESX  -        -
        Recognized   -        -        -        Rec:A    -        Dea:PCE  Lin:C    Sho:CES  Sho:CES  Dea:PCE   -        -        -         -        -
        Linked       -        -        -        Lin:B    -        Dea:PCE  Dea:PCE  Sho:CES  Lin:F    Dea:PCE   -        Sho:UCES -         Lin:L    Lin:F
        Dead         -        -        -        -        -        -        -        -        -        -         Sho:S    -        -         -        -
        """;

    // A claim, N nonce, C confirmed; W WrongNumber, 0 NoneOfThese, R Refused, P ProtocolError, U Unlinked; E erase.
    private const string Phone = """
                     Start    NotFound Answer   Trusted  Reveal   WrongRev RightNum WrongNum None     Refuse   End      TakenOver Overdue  OutOfTurn Unlink
        Idle         Cla:A    -        -        -        -        -        -        -        -        -        -        -         -        -         -
        Claiming     -        Dea:E    Ask:N    Lin:C    -        -        -        -        -        -        -        Dea:E     Dea:E    -         -
        Asked        -        -        -        -        Cho:     Dea:PE   -        -        -        Dea:RE   Dea:E    Dea:E     Dea:E    Dea:PE    -
        Choosing     -        -        -        -        Dea:PE   Dea:PE   Lin:C    Dea:WE   Dea:0E   Dea:RE   Dea:E    Dea:E     Dea:E    Dea:PE    -
        Linked       -        -        -        -        Dea:PE   Dea:PE   -        -        -        -        Dea:E    -         -        Dea:PE    Dea:UE
        Dead         -        -        -        -        -        -        -        -        -        -        -        -         -        -         -
        """;

    [Fact]
    public void Every_cell_of_the_computer() => Check(Computer, "AR2TPUCESBLFX", (state, signal) =>
    {
        (ComputerPairingState next, ComputerPairingActions actions) = ComputerPairingTable.Next((ComputerPairingState)state, (ComputerPairingSignal)signal);
        return (next.ToString(), (int)next == state, (int)actions);
    }, Enum.GetValues<ComputerPairingState>().Length, Enum.GetValues<ComputerPairingSignal>().Length);

    [Fact]
    public void Every_cell_of_the_phone() => Check(Phone, "ANCW0RPUE", (state, signal) =>
    {
        (PhonePairingState next, PhonePairingActions actions) = PhonePairingTable.Next((PhonePairingState)state, (PhonePairingSignal)signal);
        return (next.ToString(), (int)next == state, (int)actions);
    }, Enum.GetValues<PhonePairingState>().Length, Enum.GetValues<PhonePairingSignal>().Length);

    private static void Check(string table, string letters, Func<int, int, (string Next, bool IsSame, int Actions)> cell, int states, int signals)
    {
        string[][] rows = [.. table.Split('\n').Skip(1).Select(row => row.Split(' ', StringSplitOptions.RemoveEmptyEntries))];
        Assert.Equal(states, rows.Length);
        for (int state = 0; state < states; state++)
        {
            Assert.Equal(signals + 1, rows[state].Length);
            for (int signal = 0; signal < signals; signal++)
            {
                (string next, bool isSame, int actions) = cell(state, signal);
                string done = string.Concat(letters.Where((_, bit) => (actions & (1 << bit)) != 0));
                string found = isSame && actions == 0 ? "-" : $"{next[..3]}:{done}";
                Assert.Equal($"{rows[state][0]}, {signal}: {rows[state][signal + 1]}", $"{rows[state][0]}, {signal}: {found}");
            }
        }
    }
}

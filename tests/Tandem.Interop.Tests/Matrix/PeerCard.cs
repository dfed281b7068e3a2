namespace Tandem.Interop.Tests.Matrix;

/// <summary>Cells of the matrix that are not as they should be, and why.</summary>
/// <param name="Why">One sentence for the notes of docs/interop.md.</param>
/// <param name="Scenarios">Which scenarios.</param>
/// <param name="Only">In which direction; null: in all that the peer has.</param>
/// <param name="Symptom">For a fault, what the failure must say (a regular expression): no other failure is excused by it.</param>
public sealed record Exemption(string Why, Scenario[] Scenarios, Direction? Only = null, string Symptom = "")
{
    public bool Covers(Direction direction, Scenario scenario) => Scenarios.Contains(scenario) && (Only is null || Only == direction);
}

/// <summary>What is known of a peer without starting it.</summary>
/// <param name="Name">Its name in docs/interop.md.</param>
/// <param name="Install">How a machine gets it, for the message of a test that is skipped.</param>
/// <param name="Directions">What it can be.</param>
public sealed record PeerCard(string Name, string Install, Direction[] Directions)
{
    public static readonly Direction[] ClientAndServer = [Direction.EventLoopServer, Direction.StreamServer, Direction.Client];

    public static readonly Direction[] ClientOnly = [Direction.EventLoopServer, Direction.StreamServer];

    /// <summary>What its interface has no way to do: n/a.</summary>
    public Exemption[] Lacks { get; init; } = [];

    /// <summary>Where it breaks a rule: the cell must fail, so that the note goes when the peer is mended.</summary>
    public Exemption[] Faults { get; init; } = [];

    /// <summary>What else is worth knowing of it in docs/interop.md.</summary>
    public string[] Remarks { get; init; } = [];

    /// <summary>False for those that offer permessage-deflate whatever they are told.</summary>
    public bool CanBePlain { get; init; } = true;

    /// <summary>False for those that inflate but never compress.</summary>
    public bool Compresses { get; init; } = true;

    /// <summary>The code that its interface reports for a close frame without one. 1005 by RFC 6455 section 7.1.5.</summary>
    public int CodeForNone { get; init; } = 1005;

    public Exemption? Lack(Direction direction, Scenario scenario) => Lacks.FirstOrDefault(lack => lack.Covers(direction, scenario));

    public Exemption? Fault(Direction direction, Scenario scenario) => Faults.FirstOrDefault(fault => fault.Covers(direction, scenario));
}

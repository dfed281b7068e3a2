using Tandem.Interop.Tests.Report;

namespace Tandem.Interop.Tests.Matrix;

/// <summary>The tests of a peer: one for each of its cells. The peer is started once.</summary>
/// <typeparam name="TPeer">The peer.</typeparam>
public abstract class PeerTests<TPeer>(TPeer peer) : IClassFixture<TPeer>
    where TPeer : Peer, new()
{
#pragma warning disable CA1000 // xunit takes the data of a theory from a static member, and which data is the type parameter's matter
    public static TheoryData<Direction, Scenario> Cells
    {
        get
        {
            PeerCard card = new TPeer().Card;
            var cells = new TheoryData<Direction, Scenario>();
            foreach (Direction direction in card.Directions)
            {
                foreach (Scenario scenario in Enum.GetValues<Scenario>())
                {
                    if (card.Lack(direction, scenario) is null) cells.Add(direction, scenario);
                }
            }

            return cells;
        }
    }
#pragma warning restore CA1000

    [Theory]
    [MemberData(nameof(Cells))]
    public async Task Interoperates(Direction direction, Scenario scenario)
    {
        Assert.SkipWhen(peer.Missing is not null, $"{peer.Card.Name}: {peer.Missing} is missing ({peer.Card.Install}).");
        if (peer.Card.Fault(direction, scenario) is { } fault)
        {
            // Must fail, so that the note in docs/interop.md goes when the peer is mended.
            Exception? failure = await Record.ExceptionAsync(() => peer.RunAsync(direction, scenario));
            Assert.True(failure is not null, $"{peer.Card.Name} {peer.Version} does it now. Its card is out of date: {fault.Why}");
            Assert.Matches(fault.Symptom, failure.ToString());
        }
        else
        {
            await peer.RunAsync(direction, scenario);
        }

        Outcomes.Passed(peer, direction, scenario);
    }
}

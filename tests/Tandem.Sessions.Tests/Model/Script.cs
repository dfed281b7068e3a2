using FsCheck;
using FsCheck.Fluent;

namespace Tandem.Sessions.Tests.Model;

/// <summary>What can happen to a world of hubs and clients.</summary>
internal enum Act
{
    Publish,
    PublishFromApplication,
    Subscribe,
    Unsubscribe,
    ServerMessage,
    ClientMessage,
    MailboxSend,
    MailboxOpen,
    MailboxClose,
    MailboxSettle,

    /// <summary>Frames move toward the server: some of those under way, or a POST, whose request or answer may be lost or come twice.</summary>
    Up,

    /// <summary>Frames move toward the client: some of those under way, or a poll, or an event stream that may break anywhere.</summary>
    Down,
    Exchange,
    CatchUp,

    /// <summary>The carrier breaks with frames under way, and both ends notice.</summary>
    Break,

    /// <summary>Another carrier, of the same kind or another; the server may not have noticed that the one before is gone.</summary>
    Connect,

    /// <summary>What was under way on superseded carriers arrives after all.</summary>
    Late,

    /// <summary>An HTTP request on a session whose carrier was given up.</summary>
    Reattach,
    Advance,
    ClientCloses,
    ApplicationCloses,

    /// <summary>The client's next carrier goes to another hub.</summary>
    Move,

    /// <summary>A hub ends and another takes its place, with nothing of what it knew.</summary>
    Restart,
}

/// <summary>One thing that happens.</summary>
/// <param name="Act">What.</param>
/// <param name="Who">To which client; for a hub, which.</param>
/// <param name="With">Details, whose meaning is the act's.</param>
internal readonly record struct Step(Act Act, int Who, int With)
{
    public override string ToString() => $"({Act}, {Who}, {With})";
}

/// <summary>A world and what happens in it.</summary>
/// <param name="Hubs">1 to 3; more than one share a backplane.</param>
/// <param name="Theme">The one topic that there is; from the number of policies on: all.</param>
/// <param name="Steps">What happens, in order.</param>
internal sealed record Script(int Hubs, int Theme, Step[] Steps)
{
    private static readonly (int Weight, Act Act)[] Weights =
    [
        (20, Act.Publish), (4, Act.PublishFromApplication), (8, Act.Subscribe), (1, Act.Unsubscribe), (3, Act.ServerMessage), (3, Act.ClientMessage),
        (4, Act.MailboxSend), (2, Act.MailboxOpen), (1, Act.MailboxClose), (3, Act.MailboxSettle), (12, Act.Up), (12, Act.Down), (5, Act.Exchange), (2, Act.CatchUp),
        (3, Act.Break), (5, Act.Connect), (1, Act.Late), (1, Act.Reattach), (3, Act.Advance), (1, Act.ClientCloses), (1, Act.ApplicationCloses), (3, Act.Move), (1, Act.Restart),
    ];

    public static Arbitrary<Script> Arbitrary
    {
        get
        {
            Gen<Act> acts = Gen.Frequency([.. Weights.Select(entry => (entry.Weight, Gen.Constant(entry.Act)))]);
            Gen<Step> steps = from act in acts
                              from who in Gen.Choose(0, World.Clients - 1)
                              from with in Gen.Choose(0, 999)
                              select new Step(act, who, with);
            Gen<Script> scripts = from hubs in Gen.Choose(1, 3)
                                  from theme in Gen.Choose(0, 9)
                                  from length in Gen.Choose(10, 160)
                                  from list in steps.ArrayOf(length)
                                  select new Script(hubs, theme, list);
            return Arb.From(scripts, script => script.Smaller());
        }
    }

    public override string ToString() => $"new Script({Hubs}, {Theme}, [{string.Join(", ", Steps.Select(step => $"new{step}"))}])".Replace("new(", "new(Act.", StringComparison.Ordinal);

    /// <summary>Without large parts first, then without single steps, then with simpler ones.</summary>
    private IEnumerable<Script> Smaller()
    {
        for (int hubs = 1; hubs < Hubs; hubs++) yield return this with { Hubs = hubs };
        for (int part = Steps.Length / 2; part > 0; part /= 2)
        {
            for (int from = 0; from + part <= Steps.Length; from += part) yield return this with { Steps = [.. Steps[..from], .. Steps[(from + part)..]] };
        }

        for (int i = 0; i < Steps.Length; i++)
        {
            foreach (int with in new[] { 0, Steps[i].With / 2, Steps[i].With - 1 }.Distinct())
            {
                if (with >= 0 && with < Steps[i].With) yield return Replace(i, Steps[i] with { With = with });
            }

            if (Steps[i].Who > 0) yield return Replace(i, Steps[i] with { Who = Steps[i].Who - 1 });
        }
    }

    private Script Replace(int index, Step step)
    {
        Step[] steps = [.. Steps];
        steps[index] = step;
        return this with { Steps = steps };
    }
}

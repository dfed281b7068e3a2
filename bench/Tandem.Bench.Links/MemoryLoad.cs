using System.Globalization;
using Tandem.Cli.Tests.Link;
using Tandem.Link.Conversation;

namespace Tandem.Bench.Links;

/// <summary>How much resident memory of the server a link is: when it is idle, and when it has been used.</summary>
internal static class MemoryLoad
{
    // What a server loads and compiles for its first links is in no figure.
    private const int First = 100;
    private const int Messages = 10;
    private const int GoalBytes = 16 * 1024;

    // The server has had time for what it does behind the last answer.
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(3);
    private static readonly string Text = new('x', 100);

    public static async Task RunAsync(LinkServer server, int count)
    {
        var links = new Link[First + count];
        try
        {
            await AddAsync(server, links, 0, First);
            await TalkAsync(links.AsMemory(0, First));
            await Task.Delay(Pause);
            long before = server.Measured.ResidentBytes();
            await AddAsync(server, links, First, count);
            await Task.Delay(Pause);
            Print("idle", count, before, server.Measured.ResidentBytes());
            await TalkAsync(links.AsMemory(First));
            await Task.Delay(Pause);
            Print(string.Create(CultureInfo.InvariantCulture, $"after {Messages} messages of {Text.Length} B each way"), count, before, server.Measured.ResidentBytes());
        }
        finally
        {
            await Parallel.ForEachAsync(links.Where(link => link is not null), async (link, _) => await link.DisposeAsync());
        }
    }

    private static Task AddAsync(LinkServer server, Link[] links, int start, int count) => Parallel.ForAsync(
        start, start + count, async (index, _) => links[index] = await Link.MakeAsync(server, index));

    private static Task TalkAsync(ReadOnlyMemory<Link> links) => Parallel.ForAsync(0, links.Length, async (index, _) => await links.Span[index].TalkAsync());

    private static void Print(string when, int count, long before, long after)
    {
        long each = (after - before) / count;
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"memory per link, {when}: {each / 1024.0:F1} KiB ({count} links of 2 sessions and 2 inboxes, after {First} others; resident {before / 1048576.0:F1} -> {after / 1048576.0:F1} MiB; goal under {GoalBytes / 1024} KiB{(each < GoalBytes ? "" : ": MISSED")})"));
    }

    /// <summary>Two linked ends.</summary>
    private sealed class Link(LinkProgram computer, LinkProgram phone, Seen atComputer, Seen atPhone) : IAsyncDisposable
    {
        public static async Task<Link> MakeAsync(LinkServer server, int index)
        {
            Seen atComputer = new(), atPhone = new();
            (LinkProgram computer, LinkProgram phone, _) = await LinkProgram.LinkAsync(
                server.Sessions, "bench", (atComputer, atPhone), (LinkServer.AddressOf(2 * index), LinkServer.AddressOf((2 * index) + 1)));
            return new Link(computer, phone, atComputer, atPhone);
        }

        public async Task TalkAsync()
        {
            for (int i = 0; i < Messages; i++)
            {
                computer.Do(conversation => conversation.Say(Text, i));
                phone.Do(conversation => conversation.Say(Text, i));
                await atComputer.WaitAsync();
                await atPhone.WaitAsync();
            }
        }

        public async ValueTask DisposeAsync()
        {
            await computer.DisposeAsync();
            await phone.DisposeAsync();
            atComputer.Dispose();
            atPhone.Dispose();
        }
    }

    /// <summary>Waits until the other end has seen a message.</summary>
    private sealed class Seen : LinkEvents, IDisposable
    {
        private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
        private readonly SemaphoreSlim _seen = new(0);

        public override void OnChatSeen(long id) => _seen.Release();

        public async Task WaitAsync()
        {
            if (!await _seen.WaitAsync(Patience)) throw new TimeoutException("a message was not seen for 30 s");
        }

        public void Dispose() => _seen.Dispose();
    }
}

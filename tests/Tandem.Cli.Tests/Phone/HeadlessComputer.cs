using System.Collections.Concurrent;
using System.Threading.Channels;
using Tandem.Link.Conversation;
using Tandem.Link.Pairing;
using Tandem.Link.Protocol;
using Tandem.Sessions.Client;
using Tandem.Sessions.Protocol;

namespace Tandem.Cli.Tests.Phone;

/// <summary>A computer without a page: it shows codes, is claimed, and talks, over a session like a page's.</summary>
internal sealed class HeadlessComputer : LinkEvents, IPairingDriver, IAsyncDisposable
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);

    private readonly Lock _gate = new();
    private readonly WebSocketSession _session;
    private readonly ComputerPairing _pairing;
    private readonly CancellationTokenSource _stopping = new();
    private readonly Channel<Func<Task>> _work = Channel.CreateUnbounded<Func<Task>>();
    private readonly SemaphoreSlim _wake = new(0);
    private readonly TaskCompletionSource _opened = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly List<Task> _tasks = [];
    private LinkEnd? _link;

    private HeadlessComputer(Uri server, string address)
    {
        _session = new WebSocketSession(new UriBuilder(new Uri(server, "/link/websocket")) { Scheme = "ws" }.Uri, new WebSocketSessionOptions { MaxDelay = TimeSpan.FromSeconds(1) });
        _pairing = new ComputerPairing(new ComputerPairingOptions { Origin = server.GetLeftPart(UriPartial.Authority), Browser = "Headless 1 on test", Address = address }, this);
    }

    public ConcurrentQueue<string> Chats { get; } = new();

    /// <summary>Each state of the phone's text.</summary>
    public ConcurrentQueue<string> Texts { get; } = new();

    public ConcurrentQueue<string> Log { get; } = new();

    /// <summary>What came whole, by name.</summary>
    public ConcurrentDictionary<string, byte[]> Received { get; } = new();

    /// <summary>When what was typed was seen by the phone: by its revision.</summary>
    public Action? OnSeen { get; set; }

    public ComputerPairingState State => Locked(pairing => pairing.State);

    public string OriginOf(Uri server) => server.GetLeftPart(UriPartial.Authority);

    public int Number => Locked(pairing => pairing.Number);

    public string PhoneName => Locked(pairing => pairing.PhoneName);

    public EndCode? EndedWith => Locked(pairing => pairing.EndedWith);

    /// <summary>What stands below the code on the screen.</summary>
    public string Code => Locked(pairing => pairing.Secret!.ToCode());

    private static long Now => Environment.TickCount64;

    /// <summary>Shows a code.</summary>
    public static async Task<HeadlessComputer> StartAsync(Uri server, string address = "192.0.2.7")
    {
        var computer = new HeadlessComputer(server, address);
        await computer._session.ConnectAsync().InTime();
        computer._tasks.AddRange([computer.ReadAsync(), computer.WorkAsync(), computer.SendAsync(), computer.TickAsync()]);
        lock (computer._gate) computer._pairing.Start(Now);
        await computer._opened.Task.InTime();
        return computer;
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _session.DisposeAsync();
        await Task.WhenAll(_tasks).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _link?.Dispose();
        _pairing.Dispose();
    }

    /// <summary>Does something with the conversation.</summary>
    public void Converse(Action<LinkConversation> act)
    {
        lock (_gate) act(_link!.Conversation);
        _wake.Release();
    }

    /// <summary>Says something, when there is room for it.</summary>
    public async Task SayAsync(string text)
    {
        long? id = null;
        while (id is null)
        {
            Converse(conversation => id = conversation.Say(text, 0));
            if (id is null) await Task.Delay(Pause);
        }
    }

    public void Offer(string name, byte[] bytes) => Converse(conversation => conversation.OfferFile(new MemoryFile(bytes), bytes.Length, name));

    public override void OnHello(string name, string platform) => Log.Enqueue($"hello {name} {platform}");

    public override void OnEnded(EndCode code, string reason) => Log.Enqueue($"ended {code} {reason}".Trim());

    public override void OnChat(long id, long time, bool isClipboard, string text) => Chats.Enqueue(isClipboard ? "clipboard " + text : text);

    public override void OnText(string content, int compositionStart, int compositionEnd) => Texts.Enqueue(content);

    public override void OnFileOffered(IncomingFile file)
    {
        var target = new MemoryFile(new byte[file.Size]);
        _incoming[file] = target;
        file.Accept(target);
    }

    public override void OnFileDone(LinkFile file)
    {
        if (_incoming.Remove(file, out MemoryFile? target)) Received[file.Name] = target.Bytes;
        Log.Enqueue($"done {file.Name}");
    }

    public override void OnFileCancelled(LinkFile file, FileCancelCode code) => Log.Enqueue($"cancelled {file.Name} {code}");

    void IPairingDriver.OpenMailbox(string mailbox) => _work.Writer.TryWrite(async () =>
    {
        while (await _session.OpenMailboxAsync(mailbox) is SessionCode.TooManyRequests or SessionCode.Unavailable) await Task.Delay(Pause, _stopping.Token);
        _opened.TrySetResult();
    });

    void IPairingDriver.CloseMailbox(string mailbox) => _work.Writer.TryWrite(() => _session.CloseMailboxAsync(mailbox));

    void IPairingDriver.Send(string mailbox, byte[] mail) => _work.Writer.TryWrite(() => PutAsync(mailbox, mail));

    void IPairingDriver.Changed()
    {
        if (_pairing.State == ComputerPairingState.Linked && _link is null)
            _link = new LinkEnd(_pairing.Channel!, new LinkConversationOptions { Name = "Headless", Platform = "test", PingAfter = 2000 }, this, Now);
        _wake.Release();
    }

    private readonly Dictionary<LinkFile, MemoryFile> _incoming = [];

    private T Locked<T>(Func<ComputerPairing, T> read)
    {
        lock (_gate) return read(_pairing);
    }

    private async Task PutAsync(string mailbox, byte[] mail)
    {
        while (true)
        {
            SessionCode code = await _session.SendToMailboxAsync(mailbox, mail);
            if (code is not (SessionCode.Full or SessionCode.Unavailable or SessionCode.TooManyRequests)) return;
            await Task.Delay(Pause, _stopping.Token);
        }
    }

    private async Task WorkAsync()
    {
        await foreach (Func<Task> work in _work.Reader.ReadAllAsync(_stopping.Token)) await work();
    }

    /// <summary>One envelope after the other, each when the one before is stored, behind what the pairing had to say.</summary>
    private async Task SendAsync()
    {
        while (true)
        {
            byte[] envelope = [];
            bool isTaken;
            lock (_gate) isTaken = _link is not null && _link.TryTake(Now, out envelope);
            if (!isTaken)
            {
                await _wake.WaitAsync(_stopping.Token);
                continue;
            }

            var stored = new TaskCompletionSource();
            string inbox = _link!.Channel.OtherInbox;
            _work.Writer.TryWrite(async () =>
            {
                await PutAsync(inbox, envelope);
                stored.SetResult();
            });
            await stored.Task.WaitAsync(_stopping.Token);
        }
    }

    private async Task TickAsync()
    {
        using var timer = new PeriodicTimer(Pause);
        while (await timer.WaitForNextTickAsync(_stopping.Token))
        {
            lock (_gate)
            {
                _pairing.Tick(Now);
                _link?.Conversation.Tick(Now);
            }

            _wake.Release();
        }
    }

    private async Task ReadAsync()
    {
        await foreach (SessionNotice notice in _session.ReadAllAsync(_stopping.Token))
        {
            lock (_gate)
            {
                if (notice is SessionLost) _link?.Conversation.Lost();
                if (notice is MailboxEnded { Code: SessionCode.Expired } ended) _pairing.TicketExpired(ended.Mailbox);
                if (notice is not MailboxDelivery delivery) continue;
                if (_link is not null && delivery.Mailbox == _link.Channel.OwnInbox) _link.Receive(delivery.Payload.Span, Now);
                else _pairing.Receive(delivery.Mailbox, delivery.Payload.Span, Now);
                _session.Settle(delivery);
            }

            _wake.Release();
        }
    }

    private sealed class MemoryFile(byte[] bytes) : ILinkFileTarget
    {
        public byte[] Bytes => bytes;

        public int Read(long position, Span<byte> destination)
        {
            bytes.AsSpan((int)position, destination.Length).CopyTo(destination);
            return destination.Length;
        }

        public bool TryWrite(long position, ReadOnlySpan<byte> source)
        {
            source.CopyTo(bytes.AsSpan((int)position));
            return true;
        }
    }
}

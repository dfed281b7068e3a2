using Tandem.Coap;
using Tandem.Link.Conversation;
using Tandem.Link.Pairing;
using Tandem.Link.Secrets;

namespace Tandem.Cli.Phone;

/// <summary>
/// A phone without a browser: pairing and conversation of a link, over the resources of a mobile server (docs/link-protocol.md). It sends one message at a time, again until it is
/// stored, so that what arrives is in order; and observes its inbox, anew whenever that may be needed. What it has is in memory only.
/// </summary>
internal sealed partial class PhoneClient : IPairingDriver, IAsyncDisposable
{
    private static readonly TimeSpan TickInterval = TimeSpan.FromMilliseconds(100);

    // For END and DELETE: the person waits for the program to end, and a computer that hears neither finds out by itself.
    private static readonly TimeSpan FarewellPatience = TimeSpan.FromSeconds(5);

    private readonly Lock _gate = new();
    private readonly CoapClient _coap;
    private readonly LinkConversationOptions _conversation;
    private readonly LinkEvents _events;
    private readonly PhonePairing _pairing;
    private readonly CancellationTokenSource _stopping = new();
    private readonly TaskCompletionSource _over = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly SemaphoreSlim _work = new(0);
    private readonly Queue<(string Mailbox, byte[] Mail)> _outbox = new();
    private readonly List<Task> _tasks = [];
    private TaskCompletionSource _progress = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<string> _absent = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile bool _isAnswered;
    private LinkEnd? _link;
    private string _inbox = "";
    private string? _problem;

    public PhoneClient(CoapClient coap, LinkSecret secret, string name, string platform, LinkEvents events)
    {
        (_coap, _events) = (coap, events);
        _conversation = new LinkConversationOptions { Name = name, Platform = platform };
        _pairing = new PhonePairing(secret, name, platform, this);
    }

    /// <summary>Called when the pairing is in another state. Like all calls of this class, one at a time.</summary>
    public Action<PhonePairing>? PairingChanged { get; init; }

    /// <summary>Called when the way to the server is broken, and why; and with null when it is there again.</summary>
    public Action<string?>? NetworkChanged { get; init; }

    /// <summary>Completes when nothing is left of pairing or link, and what was to be said about it has been sent.</summary>
    public Task Over => _over.Task;

    /// <summary>Completes when there turns out to be no server, and says why that is believed.</summary>
    public Task<string> Absent => _absent.Task;

    /// <summary>Whether the server has ever answered.</summary>
    public bool IsAnswered => _isAnswered;

    private static long Now => Environment.TickCount64;

    /// <summary>Claims.</summary>
    public void Start()
    {
        lock (_gate)
        {
            _pairing.Start(Now);
            _tasks.Add(Task.Run(SendAllAsync));
            _tasks.Add(Task.Run(TickAsync));
        }
    }

    /// <summary>Does something with the pairing.</summary>
    public void Pair(Action<PhonePairing, long> act)
    {
        lock (_gate) act(_pairing, Now);
        Wake();
    }

    /// <summary>Does something with the conversation.</summary>
    /// <returns>False: there is none, or it is over.</returns>
    public bool Converse(Action<LinkConversation> act)
    {
        lock (_gate)
        {
            if (_link is not { Conversation.IsOver: false } link) return false;
            act(link.Conversation);
            Progress();
        }

        Wake();
        return true;
    }

    /// <summary>Does something with the conversation as soon as it can be done: it is tried now, and again whenever something has come from the computer.</summary>
    /// <returns>False: there is no conversation, or it is over.</returns>
    public async Task<bool> ConverseAsync(Func<LinkConversation, bool> tryAct)
    {
        while (true)
        {
            Task progress;
            lock (_gate)
            {
                if (_link is not { Conversation.IsOver: false } link) return false;
                if (tryAct(link.Conversation)) break;
                progress = _progress.Task;
            }

            await progress;
        }

        Wake();
        return true;
    }

    /// <summary>Waits a little for what is still to be sent, and tells the server that the phone is done.</summary>
    public async ValueTask DisposeAsync()
    {
        using var patience = new CancellationTokenSource(FarewellPatience);
        try
        {
            // A claim that nobody has answered is not waited for, and a server that is not there not told.
            if (_isAnswered && _pairing.State != PhonePairingState.Claiming) await Over.WaitAsync(patience.Token);
            if (_isAnswered) await _coap.SendAsync(new CoapRequest(CoapCode.Delete, $"in/{_inbox}"), patience.Token);
        }
        catch (Exception exception) when (exception is OperationCanceledException or CoapException)
        {
            // As above.
        }

        await _stopping.CancelAsync();
        await Task.WhenAll(_tasks).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _link?.Dispose();
        _pairing.Dispose();
        await _coap.DisposeAsync();
    }

    void IPairingDriver.OpenMailbox(string mailbox) => _inbox = IdOf(mailbox);

    void IPairingDriver.CloseMailbox(string mailbox)
    {
        // The last message goes out first: DisposeAsync.
    }

    void IPairingDriver.Send(string mailbox, byte[] mail) => _outbox.Enqueue((mailbox, mail));

    void IPairingDriver.Changed()
    {
        if (_pairing.State == PhonePairingState.Linked) _link ??= new LinkEnd(_pairing.Channel!, _conversation, _events, Now);
        PairingChanged?.Invoke(_pairing);
    }

    private static string IdOf(string mailbox) => mailbox[(mailbox.IndexOf('/') + 1)..];

    /// <summary>The conversation may be another one than before, for who waits for that. The gate is held.</summary>
    private void Progress()
    {
        _progress.SetResult();
        _progress = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    private void Wake()
    {
        if (_work.CurrentCount == 0) _work.Release();
    }

    private async Task TickAsync()
    {
        using var timer = new PeriodicTimer(TickInterval);
        while (await timer.WaitForNextTickAsync(_stopping.Token))
        {
            lock (_gate)
            {
                _pairing.Tick(Now);
                _link?.Conversation.Tick(Now);
                TellSilence();
            }

            Wake();
        }
    }

    private void Receive(ReadOnlySpan<byte> mail)
    {
        lock (_gate)
        {
            if (_link is null) _pairing.Receive(mail, Now);
            else if (!_link.Conversation.IsOver) _link.Receive(mail, Now);
            Progress();
        }

        Wake();
    }

    /// <summary>The next message that is to be sent; null: none, for now or for good.</summary>
    private (string Mailbox, byte[] Mail)? Take()
    {
        lock (_gate)
        {
            if (_outbox.TryDequeue(out (string, byte[]) first)) return first;
            if (_link is not null && _link.TryTake(Now, out byte[] envelope)) return (_link.Channel.OtherInbox, envelope);
            if (_pairing.State == PhonePairingState.Dead || _link is { Conversation.IsOver: true }) _over.TrySetResult();
            return null;
        }
    }

    private void Tell(string? problem)
    {
        lock (_gate)
        {
            if (_problem == problem) return;
            _problem = problem;
            NetworkChanged?.Invoke(problem);
        }
    }
}

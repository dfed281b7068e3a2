using Tandem.Link.Conversation;
using Tandem.Link.Pairing;
using Tandem.Link.Secrets;
using Tandem.Sessions.Client;
using Tandem.Sessions.Protocol;
using Tandem.WebSockets;

namespace Tandem.Cli.Tests.Link;

/// <summary>A program at one end of a link: it moves bytes between a pairing, then a conversation, and the mailboxes of a session over WebSockets.</summary>
/// <remarks>It does not tick: a pairing takes milliseconds here, and nobody asks whether the other end is awake.</remarks>
internal sealed class LinkProgram : IPairingDriver, IAsyncDisposable
{
    private readonly Lock _gate = new();
    private readonly WebSocketSession _session;
    private readonly string _name;
    private readonly LinkEvents _events;
    private readonly TaskCompletionSource<int> _number = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _asksForNumber = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _linked = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Task _reading;
    private Task _asked = Task.CompletedTask;
    private ComputerPairing? _computer;
    private PhonePairing? _phone;
    private LinkEnd? _end;

    private LinkProgram(WebSocketSession session, string name, LinkEvents events)
    {
        (_session, _name, _events) = (session, name, events);
        _reading = ReadAsync();
    }

    /// <summary>What it sent last, as the server has it.</summary>
    public ReadOnlyMemory<byte> LastSent { get; private set; }

    /// <summary>Links two programs over a server, by a code and the number, as two owners do.</summary>
    /// <param name="server">Where its sessions of links are: <c>ws://HOST:PORT/link/websocket</c>.</param>
    /// <param name="name">What both ends call themselves, and the computer its page and browser.</param>
    /// <param name="events">Who is told at the computer, and at the phone.</param>
    /// <param name="headers">Further fields of the requests of the computer, and of the phone.</param>
    public static async Task<(LinkProgram Computer, LinkProgram Phone, string Code)> LinkAsync(
        Uri server, string name, (LinkEvents Computer, LinkEvents Phone) events, (KeyValuePair<string, string> Computer, KeyValuePair<string, string> Phone)? headers = null)
    {
        LinkProgram computer = await ConnectAsync(server, name, events.Computer, headers?.Computer), phone = await ConnectAsync(server, name, events.Phone, headers?.Phone);
        string code = computer.ShowCode();
        // Nobody can claim a ticket before the server has it.
        await computer._asked;
        phone.Scan(code);
        int number = await computer._number.Task;
        await phone._asksForNumber.Task;
        phone.Choose(number);
        await Task.WhenAll(computer._linked.Task, phone._linked.Task);
        return (computer, phone, code);
    }

    /// <summary>A session that is connected.</summary>
    public static async Task<WebSocketSession> ConnectAsync(Uri server, KeyValuePair<string, string>? header = null)
    {
        var connection = new WebSocketClientOptions { Headers = header is { } field ? [field] : [] };
        var session = new WebSocketSession(server, new WebSocketSessionOptions { Connection = connection });
        await session.ConnectAsync();
        return session;
    }

    /// <summary>Says something, and sends it.</summary>
    public void Do(Action<LinkConversation> action)
    {
        lock (_gate)
        {
            action(_end!.Conversation);
            Flush();
        }
    }

    /// <summary>Completes when the server has all that was asked for until now.</summary>
    public Task SentAsync()
    {
        lock (_gate) return _asked;
    }

    public async ValueTask DisposeAsync()
    {
        await _session.DisposeAsync();
        await _reading;
        _computer?.Dispose();
        _phone?.Dispose();
    }

    void IPairingDriver.OpenMailbox(string mailbox) => Ask("open", _session.OpenMailboxAsync(mailbox));

    void IPairingDriver.CloseMailbox(string mailbox) => Ask("close", _session.CloseMailboxAsync(mailbox));

    void IPairingDriver.Send(string mailbox, byte[] mail) => Send(mailbox, mail);

    void IPairingDriver.Changed()
    {
        if (_computer is { State: ComputerPairingState.Numbered }) _number.TrySetResult(_computer.Number);
        if (_phone is { State: PhonePairingState.Choosing }) _asksForNumber.TrySetResult();
        if (_computer is { State: ComputerPairingState.Dead }) Fail($"The computer: {_computer.EndedWith} {_computer.EndReason}");
        if (_phone is { State: PhonePairingState.Dead }) Fail($"The phone: {_phone.EndedWith} {_phone.EndReason}");
        if (_end is not null || (_computer?.State != ComputerPairingState.Linked && _phone?.State != PhonePairingState.Linked)) return;
        _end = new LinkEnd((_computer?.Channel ?? _phone?.Channel)!, new LinkConversationOptions { Name = _name, Platform = _name }, _events, Environment.TickCount64);
        Flush();
        _linked.TrySetResult();
    }

    private static async Task<LinkProgram> ConnectAsync(Uri server, string name, LinkEvents events, KeyValuePair<string, string>? header) =>
        new(await ConnectAsync(server, header), name, events);

    private string ShowCode()
    {
        lock (_gate)
        {
            _computer = new ComputerPairing(new ComputerPairingOptions { Origin = _name, Browser = _name }, this);
            _computer.Start(Environment.TickCount64);
            return _computer.Secret!.ToCode();
        }
    }

    private void Scan(string code)
    {
        lock (_gate)
        {
            if (!LinkSecret.TryParse(code, out LinkSecret? secret)) throw new ArgumentException("This is no code.", nameof(code));
            using (secret) _phone = new PhonePairing(secret, _name, _name, this);
            _phone.Start(Environment.TickCount64);
        }
    }

    private void Choose(int number)
    {
        lock (_gate) _phone!.Choose(number, Environment.TickCount64);
    }

    private async Task ReadAsync()
    {
        await foreach (SessionNotice notice in _session.ReadAllAsync())
        {
            if (notice is not MailboxDelivery delivery) continue;
            lock (_gate)
            {
                long now = Environment.TickCount64;
                if (_end is not null) _end.Receive(delivery.Payload.Span, now);
                else if (_computer is not null) _computer.Receive(delivery.Mailbox, delivery.Payload.Span, now);
                else _phone!.Receive(delivery.Payload.Span, now);
                if (_end is not null) Flush();
            }

            _session.Settle(delivery);
        }
    }

    /// <summary>Sends what there is to be said; the conversation bounds how much that is.</summary>
    private void Flush()
    {
        while (_end!.TryTake(Environment.TickCount64, out byte[] envelope)) Send(_end.Channel.OtherInbox, envelope);
    }

    private void Send(string mailbox, byte[] mail)
    {
        LastSent = mail;
        Ask("send to", _session.SendToMailboxAsync(mailbox, mail));
    }

    // A session sends what it is asked in the order in which it is asked, so nothing is awaited in between.
    private void Ask(string what, Task<SessionCode> answer) => _asked = CheckAsync(_asked, what, answer);

    private async Task CheckAsync(Task before, string what, Task<SessionCode> answer)
    {
        await before;
        try
        {
            SessionCode code = await answer;
            if (code != SessionCode.Ok) throw new InvalidOperationException($"The server does not {what} a mailbox: {code}.");
        }
        catch (Exception exception) when (exception is InvalidOperationException or SessionEndedException)
        {
            Fail(exception.Message);
            throw;
        }
    }

    private void Fail(string why)
    {
        var failure = new InvalidOperationException(why);
        _number.TrySetException(failure);
        _asksForNumber.TrySetException(failure);
        _linked.TrySetException(failure);
    }
}

using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Tandem.Sessions.Protocol;

namespace Tandem.Sessions.Client;

/// <summary>
/// A session over WebSockets, one after the other: when one is lost the next is opened, and what was asked for and what is to come goes on there. Safe for use by many threads.
/// </summary>
/// <remarks>
/// What comes is read as one stream, since order is what a session promises. Answers to requests do not wait behind it: a reader may await them.
/// </remarks>
/// <example>
/// <code>
/// await using var session = new WebSocketSession(new Uri("ws://127.0.0.1:1818/session/websocket"));
/// await session.ConnectAsync();
/// await session.SubscribeAsync("lab/chat");
/// await session.PublishAsync("lab/chat", "hello"u8.ToArray(), MessageFlags.Text);
/// await foreach (SessionNotice notice in session.ReadAllAsync())
/// {
///     if (notice is TopicEventReceived { Payload: var payload }) Console.WriteLine(Encoding.UTF8.GetString(payload.Span));
/// }
/// </code>
/// </example>
public sealed partial class WebSocketSession : IAsyncDisposable
{
    private readonly Lock _gate = new();
    private readonly Uri _uri;
    private readonly WebSocketSessionOptions _options;
    private readonly SessionClient _client;
    // Unbounded only here: beyond MaxUnread nothing is acknowledged, and the server's window is the bound.
    private readonly Channel<SessionNotice> _notices = Channel.CreateUnbounded<SessionNotice>();
    private readonly Dictionary<long, TaskCompletionSource<SessionCode>> _requests = [];
    private readonly CancellationTokenSource _disposed = new();
    private TaskCompletionSource _roomOrEnd = NewSignal();
    private SessionEndedException? _ended;
    private Task? _running;
    private int _unread;
    private int _generation;

    /// <summary>Makes a session that is not connected.</summary>
    /// <param name="uri">Where the server has its WebSockets of sessions, such as <c>wss://example.org/session/websocket</c>.</param>
    /// <param name="options">Null: the defaults.</param>
    /// <exception cref="ArgumentException">An option is out of its range.</exception>
    public WebSocketSession(Uri uri, WebSocketSessionOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(uri);
        _uri = uri;
        _options = options ?? new WebSocketSessionOptions();
        _options.Validate();
        _client = new SessionClient(new Events(this), _options.MaxWaiting, _options.TimeProvider);
    }

    /// <summary>The session's id, for logs; empty: there was none yet.</summary>
    public string Id
    {
        get
        {
            lock (_gate) return _client.Id;
        }
    }

    /// <summary>Whether a WebSocket has the session at the moment.</summary>
    public bool IsConnected
    {
        get
        {
            lock (_gate) return _client.IsOpen;
        }
    }

    /// <summary>Opens the session. From then on it connects again by itself; a first try that fails is told.</summary>
    /// <param name="cancellationToken">Gives up waiting, and trying.</param>
    /// <exception cref="System.Net.WebSockets.WebSocketException">The WebSocket could not be opened.</exception>
    /// <exception cref="SessionEndedException">The server refuses.</exception>
    /// <exception cref="InvalidOperationException">It was connected before.</exception>
    /// <exception cref="ObjectDisposedException">It is disposed.</exception>
    public async Task ConnectAsync(CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(_disposed.IsCancellationRequested, this);
        var first = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_gate)
        {
            if (_running is { IsCompleted: false } || _ended is not null) throw new InvalidOperationException("The session was connected before.");
            _running = RunAsync(first, cancellationToken);
        }

        await first.Task.ConfigureAwait(false);
    }

    /// <summary>Reads what the session tells, from the first to the last. By one reader at a time.</summary>
    /// <param name="cancellationToken">Stops reading; what was not read waits for the next reader.</param>
    /// <returns>Ends when the session is disposed.</returns>
    /// <exception cref="SessionEndedException">The server has ended the session for good.</exception>
    public async IAsyncEnumerable<SessionNotice> ReadAllAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        await foreach (SessionNotice notice in _notices.Reader.ReadAllAsync(cancellationToken).ConfigureAwait(false))
        {
            lock (_gate)
            {
                // Released at half, so that it is not one acknowledgement for each that is read.
                if (--_unread <= _options.MaxUnread / 2 && _client.IsHolding) _client.IsHolding = false;
            }

            yield return notice;
        }
    }

    /// <summary>Subscribes to a topic, for this session and those that follow it.</summary>
    /// <param name="topic">The topic.</param>
    /// <param name="presence">Whether to be told of presence.</param>
    /// <param name="cancellationToken">Stops waiting for the answer; the request stands, if it was made.</param>
    /// <returns>Ok, or why not.</returns>
    /// <exception cref="ArgumentException">The topic cannot be one.</exception>
    /// <exception cref="SessionEndedException">There is no session any more.</exception>
    public Task<SessionCode> SubscribeAsync(string topic, bool presence = false, CancellationToken cancellationToken = default) =>
        RequestAsync(client => client.Subscribe(topic, presence), SessionCode.AlreadySubscribed, cancellationToken);

    /// <summary>Ends a subscription.</summary>
    /// <param name="topic">The topic.</param>
    /// <param name="cancellationToken">Stops waiting for the answer.</param>
    /// <returns>Ok, or NotFound.</returns>
    /// <exception cref="SessionEndedException">There is no session any more.</exception>
    public Task<SessionCode> UnsubscribeAsync(string topic, CancellationToken cancellationToken = default) =>
        RequestAsync(client => client.Unsubscribe(topic), SessionCode.NotFound, cancellationToken);

    /// <summary>Publishes an event: once, whatever happens to connections and sessions until it is answered.</summary>
    /// <param name="topic">The topic.</param>
    /// <param name="payload">The event. It is copied before this returns, unless it has to wait for room.</param>
    /// <param name="flags">Text or not.</param>
    /// <param name="key">What it is the latest state of; null: nothing.</param>
    /// <param name="cancellationToken">Stops waiting for the answer; the event is published, if it had not to wait for room.</param>
    /// <returns>Ok, or why not.</returns>
    /// <exception cref="ArgumentException">The topic or the key cannot be one.</exception>
    /// <exception cref="SessionEndedException">There is no session any more.</exception>
    public Task<SessionCode> PublishAsync(
        string topic, ReadOnlyMemory<byte> payload, MessageFlags flags = MessageFlags.None, string? key = null, CancellationToken cancellationToken = default) =>
        RequestAsync(client => client.Publish(topic, payload.Span, flags, key), SessionCode.InternalError, cancellationToken);

    /// <summary>Puts a message into a mailbox: once.</summary>
    /// <param name="mailbox">The mailbox.</param>
    /// <param name="payload">The message. It is copied before this returns, unless it has to wait for room.</param>
    /// <param name="flags">Text or not.</param>
    /// <param name="cancellationToken">Stops waiting for the answer.</param>
    /// <returns>Ok when it is stored, or why not.</returns>
    /// <exception cref="ArgumentException">The name cannot be one.</exception>
    /// <exception cref="SessionEndedException">There is no session any more.</exception>
    public Task<SessionCode> SendToMailboxAsync(
        string mailbox, ReadOnlyMemory<byte> payload, MessageFlags flags = MessageFlags.None, CancellationToken cancellationToken = default) =>
        RequestAsync(client => client.SendToMailbox(mailbox, payload.Span, flags), SessionCode.InternalError, cancellationToken);

    /// <summary>Becomes the consumer of a mailbox, in this session and those that follow it, until another takes it over.</summary>
    /// <param name="mailbox">The mailbox.</param>
    /// <param name="prefetch">Most deliveries without settlement, 1 to 256.</param>
    /// <param name="cancellationToken">Stops waiting for the answer.</param>
    /// <returns>Ok, or why not.</returns>
    /// <exception cref="ArgumentException">The name cannot be one.</exception>
    /// <exception cref="SessionEndedException">There is no session any more.</exception>
    public Task<SessionCode> OpenMailboxAsync(string mailbox, int prefetch = 32, CancellationToken cancellationToken = default) =>
        RequestAsync(client => client.OpenMailbox(mailbox, prefetch), SessionCode.AlreadySubscribed, cancellationToken);

    /// <summary>Gives a mailbox up. What is not settled goes back.</summary>
    /// <param name="mailbox">The mailbox.</param>
    /// <param name="cancellationToken">Stops waiting for the answer.</param>
    /// <returns>Ok, or NotFound.</returns>
    /// <exception cref="SessionEndedException">There is no session any more.</exception>
    public Task<SessionCode> CloseMailboxAsync(string mailbox, CancellationToken cancellationToken = default) =>
        RequestAsync(client => client.CloseMailbox(mailbox), SessionCode.NotFound, cancellationToken);

    /// <summary>Settles a delivery: it does not come again.</summary>
    /// <param name="delivery">The delivery.</param>
    /// <returns>False: the mailbox is not open any more, or the session that delivered it is lost; the message comes again to whoever opens it.</returns>
    public bool Settle(MailboxDelivery delivery)
    {
        ArgumentNullException.ThrowIfNull(delivery);
        lock (_gate) return delivery.Generation == _generation && _client.Settle(delivery.Mailbox, delivery.Delivery);
    }

    /// <summary>Sends a message to the application on the server: once, unless the session is lost before it is acknowledged (<see cref="SessionLost"/>).</summary>
    /// <param name="payload">The message.</param>
    /// <param name="flags">Text or not.</param>
    /// <param name="cancellationToken">Stops waiting for room; then it is not sent.</param>
    /// <returns>Completes when it is on its way: at once, unless too much waits.</returns>
    /// <exception cref="SessionEndedException">There is no session any more.</exception>
    public async Task SendAsync(ReadOnlyMemory<byte> payload, MessageFlags flags = MessageFlags.None, CancellationToken cancellationToken = default)
    {
        while (true)
        {
            Task room;
            lock (_gate)
            {
                ThrowIfEnded();
                if (_client.Send(payload.Span, flags)) return;
                room = _roomOrEnd.Task;
            }

            await room.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Ends the session, here and on the server.</summary>
    /// <returns>Completes when the server was told, or could not be.</returns>
    public async ValueTask DisposeAsync()
    {
        if (_disposed.IsCancellationRequested) return;
        lock (_gate) _client.Close();
        await _disposed.CancelAsync().ConfigureAwait(false);
        if (_running is { } running) await running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        End(new SessionEndedException(SessionCode.Ok, "it was disposed"), null);
        _disposed.Dispose();
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private async Task<SessionCode> RequestAsync(Func<SessionClient, long> ask, SessionCode refused, CancellationToken cancellationToken)
    {
        while (true)
        {
            Task<SessionCode>? answer = null;
            Task room;
            lock (_gate)
            {
                ThrowIfEnded();
                long request = ask(_client);
                if (request > 0)
                {
                    var source = new TaskCompletionSource<SessionCode>(TaskCreationOptions.RunContinuationsAsynchronously);
                    _requests.Add(request, source);
                    answer = source.Task;
                }
                else if (_client.Waiting < _options.MaxWaiting)
                {
                    return refused;
                }

                room = _roomOrEnd.Task;
            }

            if (answer is not null) return await answer.WaitAsync(cancellationToken).ConfigureAwait(false);
            await room.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    private void ThrowIfEnded()
    {
        if (_ended is not null) throw new SessionEndedException(_ended.Code, _ended.Reason);
    }

    /// <summary>There will be no session any more.</summary>
    private void End(SessionEndedException why, Exception? told)
    {
        TaskCompletionSource<SessionCode>[] requests;
        lock (_gate)
        {
            if (_ended is not null) return;
            _ended = why;
            requests = [.. _requests.Values];
            _requests.Clear();
            _roomOrEnd.TrySetResult();
        }

        foreach (TaskCompletionSource<SessionCode> request in requests) request.TrySetException(why);
        _notices.Writer.TryComplete(told);
    }

    /// <summary>There may be room for one more request.</summary>
    private void SignalRoom()
    {
        _roomOrEnd.TrySetResult();
        _roomOrEnd = NewSignal();
    }

    /// <summary>What the client's half tells; always under the lock.</summary>
    private sealed class Events(WebSocketSession session) : SessionClientEvents
    {
        protected override void OnReady() => session._wake?.Set();

        protected override void OnOpened(bool resumed)
        {
            session._isOpened = true;
            if (!resumed) session._generation++;
            Add(new SessionOpened(resumed));
            session._opened?.TrySetResult();
        }

        protected override void OnLost(int unconfirmedMessages) => Add(new SessionLost(unconfirmedMessages));

        protected override void OnClosed(SessionCode code, string reason) => session._closed = new SessionEndedException(code, reason);

        protected override void OnReply(long request, SessionCode status, string text)
        {
            if (session._requests.Remove(request, out TaskCompletionSource<SessionCode>? source)) source.TrySetResult(status);
            session.SignalRoom();
        }

        protected override void OnEvent(string topic, MessageFlags flags, string? key, ReadOnlySpan<byte> payload) =>
            Add(new TopicEventReceived(topic, flags, key, payload.ToArray()));

        protected override void OnGap(string topic, long missed) => Add(new TopicGap(topic, missed));

        protected override void OnPresence(string topic, long count) => Add(new TopicPresence(topic, count));

        protected override void OnUnsubscribed(string topic, SessionCode code) => Add(new SubscriptionEnded(topic, code));

        protected override void OnDelivery(string mailbox, long delivery, MessageFlags flags, ReadOnlySpan<byte> payload) =>
            Add(new MailboxDelivery(mailbox, delivery, flags, payload.ToArray()) { Generation = session._generation });

        protected override void OnMailboxClosed(string mailbox, SessionCode code) => Add(new MailboxEnded(mailbox, code));

        protected override void OnMessage(MessageFlags flags, ReadOnlySpan<byte> payload) => Add(new MessageReceived(flags, payload.ToArray()));

        private void Add(SessionNotice notice)
        {
            if (++session._unread > session._options.MaxUnread) session._client.IsHolding = true;
            session._notices.Writer.TryWrite(notice);
        }
    }
}

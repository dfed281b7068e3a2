using System.Globalization;
using System.Text;
using Tandem.Sessions.Protocol;

namespace Tandem.Sessions.Tests.Model;

/// <summary>What moves a client's frames.</summary>
internal enum CarrierKind
{
    WebSocket,
    Polling,
    EventStream,
}

/// <summary>A client of a world, which judges what it is told when it is told.</summary>
internal sealed class ModelPeer(World world, int index, SessionHub hub, ManualClock clock)
    : Peer(hub, clock, new CarrierContext { Owner = $"owner {index}" })
{
    private readonly List<(TestCarrier Carrier, byte[][] Up)> _older = [];
    private readonly Dictionary<string, TopicStream> _streams = [];
    // Deliveries that are not settled, and the last number, of the present opening of each mailbox.
    private readonly Dictionary<string, (List<long> Unsettled, long Last, int Prefetch)> _mailboxes = [];
    private byte[] _frame = [];
    private int _sent;
    private bool _isTwice;

    public int Index => index;

    /// <summary>What is published and put into mailboxes: request numbers, by names, in order.</summary>
    public List<(string Name, string Topic, long Request)> Published { get; } = [];

    public List<(string Name, long Request)> Mailed { get; } = [];

    public List<string> MessagesReceived { get; } = [];

    public int MessagesSent => _sent;

    public long Unconfirmed { get; private set; }

    public CarrierKind Kind { get; private set; }

    public bool IsUsable => Client.IsOpen && Carrier is { IsEnded: false };

    public void ConnectAs(CarrierKind kind, bool isNoticed)
    {
        if (!isNoticed && Carrier is { } older) _older.Add((older, [.. Up]));
        Connect(detach: isNoticed);
        Kind = kind;
    }

    /// <summary>What was on its way on carriers before this one.</summary>
    public void Late()
    {
        foreach ((TestCarrier carrier, byte[][] up) in _older)
        {
            if (carrier.Session is null || carrier == Carrier) continue;
            bool isPresent = carrier.Session.Carrier == carrier;
            foreach (byte[] frame in up) carrier.Receive(frame);
            if (!isPresent) Assert.False(carrier.TryTake(out SharedFrame? frame, out _) && frame.IsReliable, "A superseded carrier brought a frame.");
            carrier.Detach();
        }

        _older.Clear();
    }

    public void MoveUp(int with)
    {
        if (Kind != CarrierKind.WebSocket)
        {
            bool opens = !Client.IsOpen;
            Post(twice: with % 3 == 0 && !opens, loseRequest: with % 7 == 0 && !opens, loseAnswer: with % 5 == 0 && !opens);
            return;
        }

        Send();
        for (int i = with % 6; i >= 0 && MoveUp(); i--)
        {
        }
    }

    public void MoveDown(int with)
    {
        switch (Kind)
        {
            case CarrierKind.WebSocket:
                Serve(with % 8 + 1);
                for (int i = with / 8 % 8; i >= 0 && MoveDown(); i--)
                {
                }

                break;
            case CarrierKind.Polling:
                _isTwice = with % 3 == 1;
                Poll(loseAnswer: with % 4 == 0 && Client.IsOpen);
                _isTwice = false;
                break;
            default:
                Stream(with % 12, isBroken: with / 12 % 3 == 0);
                break;
        }
    }

    public override void Exchange()
    {
        if (Kind == CarrierKind.WebSocket)
        {
            base.Exchange();
            return;
        }

        (long, long?) before;
        do
        {
            before = (Client.Received, Carrier?.Session?.Received);
            Post();
            Poll();
        }
        while (before != (Client.Received, Carrier?.Session?.Received));
    }

    public long Subscribe(string topic, bool presence)
    {
        long request = Client.Subscribe(topic, presence);
        if (request > 0) _streams.Add(topic, new TopicStream(world, topic));
        return request;
    }

    public void Unsubscribe(string topic)
    {
        if (Client.Unsubscribe(topic) > 0) _streams.Remove(topic);
    }

    public void Publish(string topic, string name, string? key)
    {
        long request = Client.Publish(topic, Encoding.UTF8.GetBytes(name), MessageFlags.Text, key);
        if (request > 0) Published.Add((name, topic, request));
    }

    public void Mail(string mailbox, string name)
    {
        long request = Client.SendToMailbox(mailbox, Encoding.UTF8.GetBytes(name));
        if (request > 0) Mailed.Add((name, request));
    }

    public void OpenMailbox(string mailbox, int prefetch)
    {
        if (Client.OpenMailbox(mailbox, prefetch) > 0) _mailboxes[mailbox] = ([], 0, prefetch);
    }

    public void CloseMailbox(string mailbox)
    {
        if (Client.CloseMailbox(mailbox) > 0) _mailboxes.Remove(mailbox);
    }

    /// <summary>Settles some of what it has: any, in any order.</summary>
    public void Settle(string mailbox, int with)
    {
        if (!_mailboxes.TryGetValue(mailbox, out var open)) return;
        for (int i = with % 4; i >= 0 && open.Unsettled.Count > 0; i--)
        {
            int at = with % open.Unsettled.Count;
            if (!Client.Settle(mailbox, open.Unsettled[at])) return;
            open.Unsettled.RemoveAt(at);
        }
    }

    public void SendMessage()
    {
        if (Client.Send(Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{index} {_sent}")))) _sent++;
    }

    public void CheckComplete()
    {
        foreach (TopicStream stream in _streams.Values) stream.CheckComplete();
        foreach ((List<long> unsettled, _, _) in _mailboxes.Values) Assert.Empty(unsettled);
    }

    protected override void Arrive(byte[] body)
    {
        var frames = new FrameBody(body, int.MaxValue);
        long number = frames.First;
        // One by one, each a body of its own, so that it is known which one is being told of.
        while (frames.TryRead(out ReadOnlySpan<byte> frame))
        {
            bool isReliable = ProtocolTable.IsReliable((FrameType)frame[0]);
            byte[] one = frame.ToArray(), alone = Protocol.Vectors.Body(isReliable ? number++ : 0, [one]);
            Watch(one, () => Client.ReceiveBody(alone));
            if (_isTwice && isReliable) Watch(one, () => Client.ReceiveBody(alone));
        }

        Assert.Equal(SessionFault.None, frames.Fault);
    }

    protected override void Arrive(byte[] frame, long number) => Watch(frame, () => Client.Receive(frame, number));

    protected internal override void OnLost(int unconfirmedMessages) => Unconfirmed += unconfirmedMessages;

    protected internal override void OnOpened(bool resumed)
    {
        base.OnOpened(resumed);
        if (resumed) return;
        foreach (string mailbox in _mailboxes.Keys) _mailboxes[mailbox] = ([], 0, _mailboxes[mailbox].Prefetch);
    }

    protected internal override void OnEvent(string topic, MessageFlags flags, string? key, ReadOnlySpan<byte> payload)
    {
        EventFrame.Read(_frame, out EventFrame found);
        _streams[topic].Event(found.Origin, found.Offset, Encoding.UTF8.GetString(payload));
    }

    protected internal override void OnGap(string topic, long missed)
    {
        GapFrame.Read(_frame, out GapFrame gap);
        _streams[topic].Gap(missed, gap);
    }

    protected internal override void OnPresence(string topic, long count) => Assert.Contains(topic, _streams);

    protected internal override void OnUnsubscribed(string topic, SessionCode code) => Assert.Fail($"{topic} was not restored: {code}.");

    protected internal override void OnDelivery(string mailbox, long delivery, MessageFlags flags, ReadOnlySpan<byte> payload)
    {
        var open = _mailboxes[mailbox];
        Assert.Equal(open.Last + 1, delivery);
        open.Unsettled.Add(delivery);
        Assert.InRange(open.Unsettled.Count, 1, open.Prefetch);
        _mailboxes[mailbox] = open with { Last = delivery };
        if (world.IsEnding) Settle(mailbox, 3);
    }

    protected internal override void OnMailboxClosed(string mailbox, SessionCode code) => _mailboxes.Remove(mailbox);

    protected internal override void OnMessage(MessageFlags flags, ReadOnlySpan<byte> payload) => MessagesReceived.Add($"{Client.Id} {Encoding.UTF8.GetString(payload)}");

    private void Watch(byte[] frame, Action receive)
    {
        _frame = frame;
        long before = Client.Received;
        receive();
        if (Client.Received == before) return;
        switch ((FrameType)frame[0])
        {
            case FrameType.Subscribed:
                SubscribedFrame.Read(frame, out SubscribedFrame subscribed);
                Stream(subscribed.TopicId)?.Subscribed(subscribed);
                break;
            case FrameType.Event:
                EventFrame.Read(frame, out EventFrame found);
                Stream(found.TopicId)?.Brought(found);
                break;
            case FrameType.Gap:
                GapFrame.Read(frame, out GapFrame gap);
                Stream(gap.TopicId)?.Brought(gap);
                break;
        }
    }

    private TopicStream? Stream(long topicId) => _streams.GetValueOrDefault(world.TopicName(Carrier?.Hub ?? Hub, topicId));

    /// <summary>Frames with their numbers, each as it comes; where the stream breaks, the rest is lost, and the next request says how far it came.</summary>
    private void Stream(int count, bool isBroken)
    {
        if (Carrier is not { } carrier) return;
        while (count-- > 0 && carrier.TryTake(out SharedFrame? frame, out long number)) Arrive(frame.Span.ToArray(), number);
        if (!isBroken || !Client.IsOpen) return;
        while (carrier.TryTake(out _, out _))
        {
        }

        carrier.Rewind(Client.Received);
    }
}

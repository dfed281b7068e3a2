using System.Security.Cryptography;
using Tandem.Link.Protocol;

namespace Tandem.Link.Conversation;

/// <summary>
/// What linked ends say to each other: opened messages in, messages to be sealed out, events. A message is made when it is taken, so what is said is the latest, and
/// whoever takes them no faster than they can be sent is never behind. Not thread-safe: one caller at a time.
/// </summary>
/// <remarks>Times are milliseconds of any clock that does not go back.</remarks>
public sealed partial class LinkConversation
{
    private const int AsleepMilliseconds = LinkLimits.AsleepSeconds * 1000;

    private readonly bool _isComputer;
    private readonly LinkConversationOptions _options;
    private readonly LinkEvents _events;
    private readonly TextSender _text = new();
    private readonly TextReceiver _otherText = new();
    private readonly ChatOutbox _chat = new();
    private readonly ChatInbox _otherChat = new();
    private readonly LinkFiles _files;
    private readonly long _instance;
    private int _largestChunk = LinkLimits.MinChunkBytes;
    private bool _helloIsDue = true;
    private HelloFlags _helloFlags;
    private byte[]? _end;
    private long? _pong;
    private long _lastHeard;
    private long _pingSent = -1;
    private long _pings;
    private bool _revokeIsDue;
    private bool _loginIsDue;

    /// <summary>Begins with HELLO.</summary>
    /// <param name="isComputer">Which end this is.</param>
    /// <param name="options">What it says of itself.</param>
    /// <param name="events">Who is told.</param>
    /// <param name="now">The time.</param>
    public LinkConversation(bool isComputer, LinkConversationOptions options, LinkEvents events, long now)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(options.LargestChunk, LinkLimits.MinChunkBytes);
        _isComputer = isComputer;
        _options = options;
        _events = events;
        _files = new LinkFiles(events);
        _lastHeard = now;
        _instance = RandomNumberGenerator.GetInt32(int.MaxValue);
    }

    /// <summary>Whether the link is over. What <see cref="TryTake"/> still gives is END.</summary>
    public bool IsOver { get; private set; }

    /// <summary>Whether the other end has not answered for 10 s.</summary>
    public bool IsAsleep { get; private set; }

    /// <summary>The other end's text.</summary>
    public string OtherText => _otherText.Content;

    /// <summary>How many chat messages the other end has not seen.</summary>
    public int UnseenChats => _chat.Unseen.Count;

    /// <summary>The files that this end sends.</summary>
    public IReadOnlyList<OutgoingFile> Outgoing => _files.Outgoing;

    /// <summary>The files that it is offered, or that come.</summary>
    public IReadOnlyList<IncomingFile> Incoming => _files.Incoming;

    /// <summary>When <see cref="Tick"/> is due; <see cref="long.MaxValue"/>: not at all.</summary>
    public long Deadline => IsOver || IsAsleep ? long.MaxValue
        : _pingSent < 0 ? _lastHeard + _options.PingAfter
        : _pingSent == long.MaxValue ? long.MaxValue : Math.Max(_pingSent, _lastHeard) + AsleepMilliseconds;

    /// <summary>This end's text is another one.</summary>
    /// <param name="content">All of it, at most 16,384 UTF-16 code units. Half a surrogate pair counts as U+FFFD.</param>
    /// <param name="compositionStart">Where what is still being composed begins.</param>
    /// <param name="compositionEnd">Where that ends; equal: nothing is.</param>
    /// <exception cref="ArgumentOutOfRangeException">It is too long, or the composition is not inside it.</exception>
    public void SetText(string content, int compositionStart = 0, int compositionEnd = 0) => _text.Set(content, compositionStart, compositionEnd);

    /// <summary>Says something.</summary>
    /// <param name="text">At most 49,152 bytes of UTF-8.</param>
    /// <param name="time">When, in milliseconds since 1970.</param>
    /// <param name="isClipboard">It is what was copied.</param>
    /// <returns>The number of the message; null: 256 have not been seen yet, and there is no room for more.</returns>
    /// <exception cref="ArgumentOutOfRangeException">It is too long.</exception>
    public long? Say(string text, long time, bool isClipboard = false) => _chat.Add(text, isClipboard ? ChatFlags.Clipboard : ChatFlags.None, time);

    /// <summary>Offers a file.</summary>
    /// <param name="source">Where its bytes are read.</param>
    /// <param name="size">How many there are.</param>
    /// <param name="name">What it is called, at most 255 bytes of UTF-8; longer ones are cut.</param>
    /// <param name="mediaType">Its media type, at most 127 bytes; empty: not known.</param>
    /// <param name="id">The number that it had before this end started again; null: a new one.</param>
    /// <returns>The file; null: 16 are under way.</returns>
    public OutgoingFile? OfferFile(ILinkFileSource source, long size, string name, string mediaType = "", long? id = null) => _files.Offer(source, size, name, mediaType, id);

    /// <summary>Refuses a file, or stops one that is under way, in either direction.</summary>
    /// <param name="file">The file.</param>
    /// <param name="code">Why.</param>
    public void CancelFile(LinkFile file, FileCancelCode code) => _files.Cancel(file, code);

    /// <summary>Says that the application knows of the login that was asked for.</summary>
    public void ApproveLogin() => _loginIsDue = true;

    /// <summary>Ends the link.</summary>
    /// <param name="code">Why.</param>
    /// <param name="reason">Why, for logs; at most 255 bytes of UTF-8, cut where it is longer.</param>
    public void End(EndCode code, string reason = "")
    {
        if (IsOver) return;
        IsOver = true;
        _end = new EndMessage { Code = code, Reason = WireText.Encode(reason, LinkLimits.MaxReasonBytes) }.ToArray();
        _events.OnEnded(code, reason);
    }

    /// <summary>Something was lost on the way here, or may have been.</summary>
    public void Lost()
    {
        _helloIsDue = true;
        _helloFlags |= HelloFlags.Resync;
    }

    /// <summary>Does what is due.</summary>
    /// <param name="now">The time.</param>
    public void Tick(long now)
    {
        if (now < Deadline) return;
        if (_pingSent < 0)
        {
            // It goes out when it is taken, and what answers it counts from there.
            _pingSent = long.MaxValue;
            return;
        }

        IsAsleep = true;
        _events.OnAsleep();
    }

    /// <summary>The next message to be sealed and sent, the urgent ones first.</summary>
    /// <param name="now">The time.</param>
    /// <param name="message">The message.</param>
    /// <returns>False: there is none until something happens.</returns>
    public bool TryTake(long now, out byte[] message)
    {
        byte[]? next = _end;
        _end = null;
        if (!IsOver) next = TakeOwn(now) ?? _otherText.Take() ?? _text.Take() ?? _otherChat.Take() ?? _chat.Take() ?? _files.Take(_largestChunk);
        message = next ?? [];
        return next != null;
    }

    private byte[]? TakeOwn(long now)
    {
        if (_helloIsDue)
        {
            var hello = new HelloMessage
            {
                Flags = _helloFlags, Instance = _instance, LargestChunk = _options.LargestChunk,
                Name = WireText.Encode(_options.Name, LinkLimits.MaxNameBytes), Platform = WireText.Encode(_options.Platform, LinkLimits.MaxNameBytes),
            };
            (_helloIsDue, _helloFlags) = (false, HelloFlags.None);
            return hello.ToArray();
        }

        if (_pong is { } opaque)
        {
            _pong = null;
            return new PongMessage { Opaque = opaque }.ToArray();
        }

        if (_pingSent == long.MaxValue)
        {
            _pingSent = now;
            return new PingMessage { Opaque = ++_pings }.ToArray();
        }

        return TakeTrust();
    }
}

using System.Net.WebSockets;
using Tandem.Protocol.Framing;

namespace Tandem.Fuzz.Tests.FrameStreams;

/// <summary>A whole message, a control frame, or what a stream ends with.</summary>
internal sealed record NaiveEvent(string Kind, byte[] Payload);

/// <summary>
/// The twin of the reader: RFC 6455 section 5 to the letter over a stream that lies there whole, with a list for a message and no thought for
/// speed. What it says of a stream is what must come of it however its bytes arrive.
/// </summary>
internal sealed class NaiveReader(byte[] bytes, WebSocketRole role, long maxMessageSize = long.MaxValue)
{
    private readonly List<NaiveEvent> _events = [];
    private readonly List<byte> _message = [];
    private int _opcode = -1; // of the message in progress
    private ulong _announced;
    private int _at;

    public List<NaiveEvent> Events => _events;

    /// <summary>The first rule that is broken.</summary>
    public ProtocolFault Fault { get; private set; }

    /// <summary>Whether the stream ends within a close frame whose header is whole.</summary>
    public bool BreaksOffInClose { get; private set; }

    /// <summary>Whether a text message ends within a code point, by a fragment of no bytes.</summary>
    public bool EndsWithinCodePoint { get; private set; }

    /// <summary>Whether the header of the last frame is not whole, its masking key included.</summary>
    public bool BreaksOffInHeader
    {
        get
        {
            if (_at + 2 > bytes.Length) return true;
            int length = bytes[_at + 1] & 127;
            return _at + 2 + (length < 126 ? 0 : length == 126 ? 2 : 8) + (bytes[_at + 1] >= 128 || role == WebSocketRole.Server ? 4 : 0) > bytes.Length;
        }
    }

    /// <summary>Whether the last frame is a control frame with a length of at most 125 in one of the two longer forms.</summary>
    public bool HasLongFormOfShortControlFrame
    {
        get
        {
            if (Fault != ProtocolFault.ControlFrameTooLong) return false;
            int size = (bytes[_at + 1] & 127) == 126 ? 2 : 8;
            byte[] length = [.. bytes.Skip(_at + 2).Take(size)];
            return length.Length == size && length[..^1].All(b => b == 0) && length[^1] <= 125;
        }
    }

    /// <summary>Payload of a message that had not ended when the stream did.</summary>
    public byte[] Unfinished => [.. _message];

    public WebSocketMessageType UnfinishedType => _opcode == 1 ? WebSocketMessageType.Text : WebSocketMessageType.Binary;

    public static NaiveReader Read(byte[] bytes, WebSocketRole role, long maxMessageSize = long.MaxValue)
    {
        var reader = new NaiveReader(bytes, role, maxMessageSize);
        while (reader.Frame())
        {
        }

        return reader;
    }

    // False at the end: of the bytes, by a close frame or by a violation.
    private bool Frame()
    {
        if (_at == bytes.Length) return false;
        bool fin = (bytes[_at] & 0x80) != 0;
        int opcode = bytes[_at] & 15;
        if ((bytes[_at] & 0x70) != 0) return Break(ProtocolFault.ReservedBitSet);
        if (opcode is (> 2 and < 8) or > 10) return Break(ProtocolFault.ReservedOpcode);
        if (opcode >= 8 && !fin) return Break(ProtocolFault.FragmentedControlFrame);
        if (opcode == 0 && _opcode < 0) return Break(ProtocolFault.UnexpectedContinuation);
        if (opcode is 1 or 2 && _opcode >= 0) return Break(ProtocolFault.ExpectedContinuation);

        if (_at + 1 == bytes.Length) return false;
        bool masked = bytes[_at + 1] >= 0x80;
        if (role == WebSocketRole.Server && !masked) return Break(ProtocolFault.UnmaskedClientFrame);
        if (role == WebSocketRole.Client && masked) return Break(ProtocolFault.MaskedServerFrame);
        ulong length = (ulong)bytes[_at + 1] % 128;
        if (opcode >= 8 && length > 125) return Break(ProtocolFault.ControlFrameTooLong);
        if (opcode == 8 && length == 1) return Break(ProtocolFault.TruncatedCloseCode);

        int header = 2;
        if (length >= 126)
        {
            int size = length == 126 ? 2 : 8;
            header += size;
            // The form alone says how much it is at least.
            if ((size == 2 ? 126ul : 65_536ul) + _announced > (ulong)maxMessageSize) return Break(ProtocolFault.MessageTooBig);
            byte[] given = [.. bytes.Skip(_at + 2).Take(size)];
            if (size == 8 && given.Length > 0 && given[0] >= 0x80) return Break(ProtocolFault.LengthOver63Bits);
            if (size == 8 && given.Length >= 6 && given.Take(6).All(b => b == 0)) return Break(ProtocolFault.NonMinimalLength);
            if (size == 2 && given.Length == 2 && given[0] == 0 && given[1] < 126) return Break(ProtocolFault.NonMinimalLength);
            // What the length is at least, as far as it is known.
            length = 0;
            for (int i = 0; i < size; i++) length = (length * 256) + (i < given.Length ? given[i] : 0ul);
            if (given.Length < size)
            {
                ulong atLeast = Math.Max(length, size == 2 ? 126ul : 65_536ul);
                return atLeast + _announced > (ulong)maxMessageSize ? Break(ProtocolFault.MessageTooBig) : false;
            }
        }

        if (opcode < 8 && length + _announced > (ulong)maxMessageSize) return Break(ProtocolFault.MessageTooBig);
        byte[] key = masked ? [.. bytes.Skip(_at + header).Take(4)] : [0, 0, 0, 0];
        if (key.Length < 4) return false;
        if (masked) header += 4;
        int start = _at + header;
        if (start > bytes.Length) return false;
        int count = (int)Math.Min(length, (ulong)(bytes.Length - start));
        byte[] payload = new byte[count];
        for (int i = 0; i < count; i++) payload[i] = (byte)(bytes[start + i] ^ key[i % 4]);
        bool whole = (ulong)count == length;
        _at = start + count;
        BreaksOffInClose = opcode == 8 && !whole;
        if (opcode >= 8) return whole && Control(opcode, payload);
        if (opcode != 0) _opcode = opcode;
        _announced += length;
        return Data(payload, fin && whole) && whole;
    }

    private bool Data(byte[] payload, bool ends)
    {
        _message.AddRange(payload);
        if (_opcode == 1)
        {
            NaiveUtf8.Verdict verdict = NaiveUtf8.Judge(_message.ToArray());
            EndsWithinCodePoint = ends && payload.Length == 0 && verdict == NaiveUtf8.Verdict.Open;
            if (verdict == NaiveUtf8.Verdict.Invalid || (ends && verdict == NaiveUtf8.Verdict.Open)) return Break(ProtocolFault.InvalidUtf8);
        }

        if (!ends) return true;
        _events.Add(new NaiveEvent(_opcode == 1 ? "text" : "binary", [.. _message]));
        _message.Clear();
        _opcode = -1;
        _announced = 0;
        return true;
    }

    private bool Control(int opcode, byte[] payload)
    {
        if (opcode != 8)
        {
            _events.Add(new NaiveEvent(opcode == 9 ? "ping" : "pong", payload));
            return true;
        }

        if (payload.Length >= 2)
        {
            int code = (payload[0] * 256) + payload[1];
            bool known = code is 1000 or 1001 or 1002 or 1003 or 1007 or 1008 or 1009 or 1010 or 1011 or 1012 or 1013 or 1014 || (code >= 3000 && code < 5000);
            if (!known) return Break(ProtocolFault.InvalidCloseCode);
            if (NaiveUtf8.Judge(payload.AsSpan(2)) != NaiveUtf8.Verdict.Complete) return Break(ProtocolFault.InvalidUtf8InCloseReason);
        }

        _events.Add(new NaiveEvent("close", payload));
        return false;
    }

    private bool Break(ProtocolFault fault)
    {
        Fault = fault;
        return false;
    }
}

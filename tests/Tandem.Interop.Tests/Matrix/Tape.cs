using System.Text;
using Tandem.Protocol.Framing;

namespace Tandem.Interop.Tests.Matrix;

/// <summary>A frame as it went over the wire; the payload of control frames only, unmasked.</summary>
public sealed record TappedFrame(FrameHeader Header, byte[] Payload)
{
    public Opcode Opcode => Header.Opcode;

    public string Text => Encoding.UTF8.GetString(Payload);
}

/// <summary>What went one way: the head, then the frames.</summary>
internal sealed class Tape(bool masked)
{
    private readonly Lock _gate = new();
    private readonly List<TappedFrame> _frames = [];
    private readonly List<byte> _pending = []; // a head or a frame header that is not whole, a control frame
    private string? _head;
    private bool _maskedWrongly;
    private long _skip; // bytes of data payload still to come

    public bool HasHead
    {
        get
        {
            lock (_gate) return _head is not null;
        }
    }

    /// <summary>RFC 6455 section 5.1: a client masks all its frames, a server none.</summary>
    public bool MaskedWrongly
    {
        get
        {
            lock (_gate) return _maskedWrongly;
        }
    }

    /// <summary>The frames so far.</summary>
    public TappedFrame[] Frames
    {
        get
        {
            lock (_gate) return [.. _frames];
        }
    }

    /// <summary>The data frames so far.</summary>
    public TappedFrame[] DataFrames => [.. Frames.Where(frame => frame.Opcode is Opcode.Text or Opcode.Binary or Opcode.Continuation)];

    /// <summary>A field of the head, or null.</summary>
    public string? Field(string name)
    {
        lock (_gate)
        {
            IEnumerable<string> lines = (_head ?? "").Split("\r\n").Where(line => line.StartsWith(name + ":", StringComparison.OrdinalIgnoreCase));
            string[] values = [.. lines.Select(line => line[(name.Length + 1)..].Trim())];
            return values.Length == 0 ? null : string.Join(", ", values);
        }
    }

    public void Append(ReadOnlySpan<byte> bytes)
    {
        lock (_gate)
        {
            while (!bytes.IsEmpty)
            {
                if (_skip > 0)
                {
                    int skipped = (int)Math.Min(_skip, bytes.Length);
                    _skip -= skipped;
                    bytes = bytes[skipped..];
                    if (_skip > 0) return;
                    continue;
                }

                // At most a header's worth more than needed: what follows a header is put back.
                int before = _pending.Count;
                int taken = _head is null ? bytes.Length : Math.Min(bytes.Length, FrameHeader.MaxLength + FrameHeader.MaxControlPayload);
                _pending.AddRange(bytes[..taken]);
                int used = _head is null ? TakeHead() : TakeFrame();
                if (used == 0)
                {
                    bytes = bytes[taken..];
                    if (bytes.IsEmpty) return;
                    continue;
                }

                _pending.Clear();
                bytes = bytes[(used - before)..];
            }
        }
    }

    private int TakeHead()
    {
        string text = Encoding.Latin1.GetString([.. _pending]);
        int end = text.IndexOf("\r\n\r\n", StringComparison.Ordinal);
        if (end < 0) return 0;
        _head = text[..(end + 4)];
        return end + 4;
    }

    // How many bytes of what is pending are done with; 0 when more must come.
    private int TakeFrame()
    {
        byte[] pending = [.. _pending];
        if (!FrameHeader.TryRead(pending, out FrameHeader header)) return 0;
        _maskedWrongly |= header.Masked != masked;
        byte[] payload = [];
        int used = header.Length;
        if ((byte)header.Opcode >= 8)
        {
            used += (int)header.PayloadLength;
            if (pending.Length < used) return 0;
            payload = pending[header.Length..used];
            if (header.Masked) Masking.Apply(payload, payload, header.MaskingKey);
        }
        else
        {
            _skip = header.PayloadLength;
        }

        _frames.Add(new TappedFrame(header, payload));
        return used;
    }
}

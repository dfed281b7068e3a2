using System.Runtime.CompilerServices;
using Tandem.Protocol.Framing;

namespace Tandem.Protocol.Drafts;

/// <summary>What an application has sent that hixie-75 and hixie-76 have no way to say.</summary>
public enum HixieFault : byte
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>A binary message: there are none. Nothing of it has been written, and what follows it may be.</summary>
    Binary,

    /// <summary>A text message with a byte FF, which is no UTF-8: it would end the message, and its sender would write the frames behind it. Nothing more is written.</summary>
    NotUtf8,
}

/// <summary>
/// The frames that a <see cref="WebSocketWriter"/> in the server's role has written, as a client of hixie-75 or hixie-76 reads them.
/// </summary>
/// <remarks>
/// <para>Its law: it keeps no byte of a message. Fragments need not be joined, since a text has no length: the first brings <c>00</c> and the last <c>FF</c>. Pings and
/// pongs, which the drafts do not have, and the code and reason of a close frame are left out.</para>
/// <para>A mutable struct: keep it in a field.</para>
/// </remarks>
public struct HixieWriter
{
    /// <summary>How many bytes longer than its input the output of <see cref="Translate"/> can be.</summary>
    public const int MaxGrowth = 2;

    private readonly bool _hasClose;
    private HeaderBytes _header; // what there is of one
    private byte _headerLength;
    private bool _inPayload;
    private long _remaining;
    private Opcode _opcode;
    private bool _ends;
    private bool _isTextOpen; // 00 has been written, and FF has not
    private bool _closed;

    /// <summary>Begins.</summary>
    /// <param name="draft"><see cref="WebSocketDrafts.Hixie75"/> or <see cref="WebSocketDrafts.Hixie76"/>.</param>
    public HixieWriter(WebSocketDrafts draft) => _hasClose = draft == WebSocketDrafts.Hixie76;

    /// <summary>What could not be said; the first of it.</summary>
    public HixieFault Fault { get; private set; }

    /// <summary>
    /// Whether a close frame came that only the end of TCP can say: hixie-75 has none, and within a text <c>FF</c> would end that, so that the client took a part of a
    /// message for the whole.
    /// </summary>
    public bool EndsTransport { get; private set; }

    /// <summary>Translates.</summary>
    /// <param name="frames">The next bytes that were written; all are taken.</param>
    /// <param name="output">Receives what the client reads; <see cref="MaxGrowth"/> bytes longer than the input.</param>
    /// <returns>Bytes written.</returns>
    public int Translate(ReadOnlySpan<byte> frames, Span<byte> output)
    {
        int written = 0;
        while (!frames.IsEmpty && !_closed && Fault != HixieFault.NotUtf8)
        {
            if (!_inPayload)
            {
                // Byte by byte, so that it does not matter how a header was cut.
                _header[_headerLength++] = frames[0];
                frames = frames[1..];
                if (!FrameHeader.TryRead(((ReadOnlySpan<byte>)_header)[.._headerLength], out FrameHeader header)) continue;
                written += BeginFrame(in header, output[written..]);
            }
            else
            {
                ReadOnlySpan<byte> payload = frames[..(int)Math.Min(_remaining, frames.Length)];
                frames = frames[payload.Length..];
                _remaining -= payload.Length;
                written += WritePayload(payload, output[written..]);
            }

            if (_inPayload && _remaining == 0) written += EndFrame(output[written..]);
        }

        return written;
    }

    private int BeginFrame(in FrameHeader header, Span<byte> output)
    {
        _headerLength = 0;
        _inPayload = true;
        _remaining = header.PayloadLength;
        _opcode = header.Opcode;
        _ends = header.Fin;
        switch (_opcode)
        {
            case Opcode.Text:
                _isTextOpen = true;
                output[0] = 0x00;
                return 1;
            case Opcode.Binary:
                if (Fault == HixieFault.None) Fault = HixieFault.Binary;
                return 0;
            case Opcode.Close:
                _closed = true;
                EndsTransport = !_hasClose || _isTextOpen;
                if (EndsTransport) return 0;
                output[0] = 0xFF;
                output[1] = 0x00;
                return 2;
            default:
                return 0;
        }
    }

    // Of a text only: the fragments of a binary message find none open.
    private int WritePayload(ReadOnlySpan<byte> payload, Span<byte> output)
    {
        if (!_isTextOpen || _opcode > Opcode.Binary) return 0;
        if (payload.Contains((byte)0xFF))
        {
            Fault = HixieFault.NotUtf8;
            return 0;
        }

        payload.CopyTo(output);
        return payload.Length;
    }

    private int EndFrame(Span<byte> output)
    {
        _inPayload = false;
        if (!_isTextOpen || !_ends || _opcode > Opcode.Binary || Fault == HixieFault.NotUtf8) return 0;
        _isTextOpen = false;
        output[0] = 0xFF;
        return 1;
    }

    [InlineArray(FrameHeader.MaxLength)]
    private struct HeaderBytes
    {
        private byte _first;
    }
}

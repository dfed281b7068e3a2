using System.Buffers;
using System.Net.Sockets;
using Tandem.Protocol.Drafts;

namespace Tandem.WebSockets.Drafts;

/// <summary>
/// A socket whose client speaks hixie-75 or hixie-76, as a stream of the frames of RFC 6455: what is read is translated on its way in, what is written on its way out.
/// A <see cref="NetworkStream"/>, so that a <see cref="Streams.StreamPeer"/> ends its sides like those of any other socket. Only the members that it uses translate.
/// </summary>
internal sealed class HixieStream : NetworkStream
{
    private readonly WebSocketDrafts _draft;
    private readonly Action<HixieFault> _onFault;

    // Reading.
    private HixieReader _reader;
    private ReadOnlyMemory<byte> _behind; // what came behind the handshake and has not been read
    private bool _closeRead; // the client's end has been read as a close frame

    // Writing.
    private HixieWriter _writer;
    private int _answerLength; // what is written first is the answer to the handshake, which is no frame
    private bool _faultTold;
    private volatile bool _outputEnded; // a close frame was said by ending TCP

    /// <param name="socket">The socket, which is the stream's from now on.</param>
    /// <param name="draft">What its client speaks.</param>
    /// <param name="answerLength">Bytes of the answer to the handshake, which are written first.</param>
    /// <param name="behind">What the client sent behind its handshake.</param>
    /// <param name="onFault">Told, once, of what was written and cannot be said; within the call that writes it.</param>
    /// <exception cref="IOException">The client has gone already.</exception>
    public HixieStream(Socket socket, WebSocketDrafts draft, int answerLength, ReadOnlyMemory<byte> behind, Action<HixieFault> onFault)
        : base(socket, ownsSocket: true)
    {
        _draft = draft;
        _reader = new HixieReader(draft);
        _writer = new HixieWriter(draft);
        _answerLength = answerLength;
        _behind = behind;
        _onFault = onFault;
    }

    /// <summary>Reads frames. As with every socket a read of no bytes waits until there is something to read.</summary>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (buffer.IsEmpty)
        {
            if (_behind.IsEmpty) await base.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
            return 0;
        }

        while (true)
        {
            // Into the end of the buffer, and so little that it can be translated into what lies before: no second buffer is needed.
            Memory<byte> raw = buffer[^Math.Max(1, (buffer.Length - HixieReader.MaxLength(0)) / 4)..];
            int count = _behind.IsEmpty ? await base.ReadAsync(raw, cancellationToken).ConfigureAwait(false) : TakeBehind(raw.Span);
            if (count == 0) return ReadEnd(buffer.Span);
            int length = _reader.Translate(raw.Span[..count], buffer.Span);
            if (length != 0) return length;
        }
    }

    /// <summary>Writes frames.</summary>
    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        byte[] output = ArrayPool<byte>.Shared.Rent(buffer.Length + HixieWriter.MaxGrowth);
        try
        {
            int length = Translate(buffer.Span, output);
            if (length != 0) await base.WriteAsync(output.AsMemory(0, length), cancellationToken).ConfigureAwait(false);
            if (!_writer.EndsTransport || _outputEnded) return;
            _outputEnded = true;
            Socket.Shutdown(SocketShutdown.Send);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(output);
        }
    }

    private int Translate(ReadOnlySpan<byte> frames, Span<byte> output)
    {
        int answer = Math.Min(_answerLength, frames.Length);
        _answerLength -= answer;
        frames[..answer].CopyTo(output);
        int length = answer + _writer.Translate(frames[answer..], output[answer..]);
        if (_writer.Fault != HixieFault.None && !_faultTold)
        {
            _faultTold = true;
            _onFault(_writer.Fault);
        }

        return length;
    }

    private int TakeBehind(Span<byte> raw)
    {
        int count = Math.Min(raw.Length, _behind.Length);
        _behind.Span[..count].CopyTo(raw);
        _behind = _behind[count..];
        return count;
    }

    // hixie-75 closes by ending TCP. Within a message that is no end in order, unless this end has closed: then there is no other answer.
    private int ReadEnd(Span<byte> buffer)
    {
        bool closes = _outputEnded || (_draft == WebSocketDrafts.Hixie75 && _reader.IsBetweenFrames);
        if (!closes || _closeRead) return 0;
        _closeRead = true;
        return _reader.WriteClose(buffer);
    }
}

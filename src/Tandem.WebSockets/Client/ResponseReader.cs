using System.Text;
using Tandem.Protocol.Handshake;

namespace Tandem.WebSockets.Client;

/// <summary>The head of a response, copied out of the buffer.</summary>
/// <param name="Status">100 to 999.</param>
/// <param name="Headers">The fields in order.</param>
/// <param name="Length">Its bytes, the empty line included.</param>
internal sealed record ResponseHead(int Status, IReadOnlyList<KeyValuePair<string, string>> Headers, int Length)
{
    /// <summary>The values of a field, one for each line.</summary>
    public IEnumerable<string> Values(string name) =>
        Headers.Where(field => field.Key.Equals(name, StringComparison.OrdinalIgnoreCase)).Select(field => field.Value);

    /// <summary>Parses the head at the start of what has been received.</summary>
    /// <param name="received">What has been received.</param>
    /// <param name="phase">Whose answer it is.</param>
    /// <param name="result">The head; null when more is needed.</param>
    /// <returns>Whether the head is whole.</returns>
    /// <exception cref="System.Net.WebSockets.WebSocketException">The bytes are no head, or too long a one.</exception>
    public static bool TryParse(ReadOnlySpan<byte> received, WebSocketConnectPhase phase, out ResponseHead? result)
    {
        result = null;
        HttpHeadStatus status = HttpHead.Parse(received, out HttpHead head);
        if (status == HttpHeadStatus.NeedMoreData) return false;
        int code = status == HttpHeadStatus.Complete ? StatusOf(head.StartLine) : 0;
        if (code == 0) throw ConnectFailures.InvalidHead(phase, status);
        var fields = new KeyValuePair<string, string>[head.FieldCount];
        for (int i = 0; i < fields.Length; i++)
        {
            fields[i] = new(Encoding.Latin1.GetString(head.Name(i)), Encoding.Latin1.GetString(head.Value(i)));
        }

        result = new ResponseHead(code, fields, head.Length);
        return true;
    }

    // HTTP/1.0 is let through here, other than in ClientHandshake.Status: proxies answer CONNECT so, and simple servers refuse so. A 101 is
    // judged by the stricter rule afterwards.
    private static int StatusOf(ReadOnlySpan<byte> line)
    {
        bool shaped = line.Length >= 12 && (line.StartsWith("HTTP/1.1 "u8) || line.StartsWith("HTTP/1.0 "u8)) && (line.Length == 12 || line[12] == ' ');
        if (!shaped || line[9..12].ContainsAnyExceptInRange((byte)'0', (byte)'9')) return 0;
        int status = ((line[9] - '0') * 100) + ((line[10] - '0') * 10) + (line[11] - '0');
        return status >= 100 ? status : 0;
    }
}

/// <summary>
/// Reads a response as far as a client needs it: the head, and the start of the body of a refusal. What is held is bounded by
/// <see cref="HttpHead.MaxLength"/>, and nothing is waited for that is not needed: what lies behind the head came with it by itself.
/// </summary>
/// <param name="stream">Where to read.</param>
/// <param name="phase">Whose answer it is.</param>
internal sealed class ResponseReader(Stream stream, WebSocketConnectPhase phase)
{
    private readonly byte[] _buffer = new byte[HttpHead.MaxLength];
    private int _length;

    /// <summary>What was received and not skipped.</summary>
    public ReadOnlySpan<byte> Received => _buffer.AsSpan(0, _length);

    /// <summary>Reads until the head of the answer is whole, past interim ones such as 103, which say nothing yet (RFC 9110 section 15.2).</summary>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The head, which is still at the start of <see cref="Received"/>.</returns>
    /// <exception cref="System.Net.WebSockets.WebSocketException">The bytes are no head, or too long a one.</exception>
    /// <exception cref="EndOfStreamException">The peer ended before.</exception>
    public async Task<ResponseHead> ReadFinalHeadAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            ResponseHead head = await ReadHeadAsync(cancellationToken).ConfigureAwait(false);
            if (head.Status is 101 or >= 200) return head;
            Skip(head.Length);
        }
    }

    private async Task<ResponseHead> ReadHeadAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            if (TryParse(out ResponseHead? head)) return head!;
            // There is room: a head that fills the buffer has been judged to be whole or too long.
            int received = await stream.ReadAsync(_buffer.AsMemory(_length), cancellationToken).ConfigureAwait(false);
            if (received == 0) throw new EndOfStreamException("The peer ended the connection before its answer was complete.");
            _length += received;
        }
    }

    private void Skip(int count)
    {
        Received[count..].CopyTo(_buffer);
        _length -= count;
    }

    /// <summary>Reads the start of the body, and drops the head.</summary>
    /// <param name="head">The head.</param>
    /// <param name="cancellationToken">Ends the wait: what has arrived until then is returned.</param>
    /// <returns>At most <see cref="WebSocketConnectException.MaxBodyLength"/> bytes.</returns>
    public async Task<byte[]> ReadBodyAsync(ResponseHead head, CancellationToken cancellationToken)
    {
        Skip(head.Length);
        var body = new ResponseBody(head);
        try
        {
            while (!body.IsEnough(Received) && _length < _buffer.Length)
            {
                int received = await stream.ReadAsync(_buffer.AsMemory(_length), cancellationToken).ConfigureAwait(false);
                if (received == 0) break;
                _length += received;
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or IOException)
        {
            // The status is what matters: it is told with as much of the body as there is.
        }

        return body.Decode(Received);
    }

    private bool TryParse(out ResponseHead? result) => ResponseHead.TryParse(Received, phase, out result);
}

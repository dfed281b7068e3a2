using System.Buffers;
using System.Buffers.Text;
using System.Globalization;
using System.IO.Pipelines;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Tandem.Sessions.Protocol;

namespace Tandem.Server.Sessions;

/// <summary>Frames as server-sent events.</summary>
internal static class EventStream
{
    // As much as is gathered before the connection is asked to take it.
    private const int FlushBytes = 64 * 1024;

    // Under which a frame keeps its event without the number, which is the session's own.
    private static readonly object EncodedKey = new();

    /// <summary>Writes frames as they come, until the way down is over.</summary>
    /// <param name="response">The answer, nothing of which was written.</param>
    /// <param name="down">Where they come from.</param>
    /// <param name="stop">The server wants the connection back.</param>
    public static async Task WriteAsync(HttpResponse response, HttpCarrier.Downstream down, CancellationToken stop)
    {
        response.ContentType = "text/event-stream";
        // No proxy may wait for more, nor compress, which amounts to the same.
        response.Headers.CacheControl = "no-store, no-transform";
        response.Headers["X-Accel-Buffering"] = "no";
        response.HttpContext.Features.Get<IHttpResponseBodyFeature>()?.DisableBuffering();
        PipeWriter writer = response.BodyWriter;
        CancellationToken aborted = response.HttpContext.RequestAborted;
        // The head, so that the client knows that it is heard before there is something to tell.
        await writer.FlushAsync(aborted).ConfigureAwait(false);
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(aborted, stop);
        while (true)
        {
            // Asked before frames are taken: what ends the carrier leaves a last one behind.
            bool isOver = down.IsOver;
            while (down.TryTake(out SharedFrame? frame, out long number))
            {
                Write(writer, frame, number);
                if (writer.UnflushedBytes >= FlushBytes) await writer.FlushAsync(aborted).ConfigureAwait(false);
            }

            await writer.FlushAsync(aborted).ConfigureAwait(false);
            if (isOver || stop.IsCancellationRequested) return;
            try
            {
                await down.WaitAsync(Timeout.InfiniteTimeSpan, ended.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }

    private static void Write(PipeWriter writer, SharedFrame frame, long number)
    {
        if (number > 0)
        {
            Span<byte> id = writer.GetSpan(32);
            "id: "u8.CopyTo(id);
            number.TryFormat(id[4..], out int digits, provider: CultureInfo.InvariantCulture);
            id[4 + digits] = (byte)'\n';
            writer.Advance(5 + digits);
        }

        // What many are sent is encoded once.
        byte[] encoded = frame.Type == FrameType.Event ? (byte[])(frame.Find(EncodedKey) ?? frame.Keep(EncodedKey, Encode(frame))) : Encode(frame);
        // With its length, since the writer of a connection that is gone has no memory for who names none.
        encoded.CopyTo(writer.GetSpan(encoded.Length));
        writer.Advance(encoded.Length);
    }

    private static byte[] Encode(SharedFrame frame)
    {
        byte[] encoded = new byte[6 + Base64.GetMaxEncodedToUtf8Length(frame.Span.Length) + 2];
        "data: "u8.CopyTo(encoded);
        Base64.EncodeToUtf8(frame.Span, encoded.AsSpan(6), out _, out int written);
        "\n\n"u8.CopyTo(encoded.AsSpan(6 + written));
        return encoded;
    }
}

using System.Buffers;
using System.IO.Pipelines;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Tandem.Sessions.Protocol;

namespace Tandem.Server.Sessions;

/// <summary>Bodies of HTTP carriers, in and out.</summary>
internal static class HttpBody
{
    public const string ContentType = "application/octet-stream";

    // For as many bytes as a body may have, on a bad line; Kestrel's own least rate is kept beside it.
    private static readonly TimeSpan ReadTimeout = TimeSpan.FromSeconds(30);

    /// <summary>Whether the request says that it has the right kind of body.</summary>
    public static bool HasType(HttpRequest request) =>
        request.ContentType is { } type && type.AsSpan(0, type.IndexOf(';') is var end and >= 0 ? end : type.Length).Trim().Equals(ContentType, StringComparison.OrdinalIgnoreCase);

    /// <summary>Reads the body of a request.</summary>
    /// <param name="context">The request.</param>
    /// <param name="most">Most bytes.</param>
    /// <returns>Status 200 and the body, in memory of its own; 408 or 413 without.</returns>
    public static async Task<(int Status, ReadOnlyMemory<byte> Body)> ReadAsync(HttpContext context, int most)
    {
        if (context.Request.ContentLength > most) return (StatusCodes.Status413PayloadTooLarge, default);
        // What is read here is bounded here.
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size) size.MaxRequestBodySize = null;
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted);
        deadline.CancelAfter(ReadTimeout);
        byte[] buffer = ArrayPool<byte>.Shared.Rent((int)Math.Min(context.Request.ContentLength ?? 4096, 64 * 1024) + 1);
        int length = 0;
        try
        {
            while (true)
            {
                if (length == buffer.Length) buffer = Grow(buffer);
                int count = await context.Request.Body.ReadAsync(buffer.AsMemory(length), deadline.Token).ConfigureAwait(false);
                if (count == 0) return (StatusCodes.Status200OK, buffer.AsSpan(0, length).ToArray());
                length += count;
                if (length > most) return (StatusCodes.Status413PayloadTooLarge, default);
            }
        }
        catch (OperationCanceledException) when (!context.RequestAborted.IsCancellationRequested)
        {
            return (StatusCodes.Status408RequestTimeout, default);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>Answers with a body.</summary>
    /// <param name="response">The answer, whose status is set.</param>
    /// <param name="first">The number of the first reliable frame.</param>
    /// <param name="frames">The frames.</param>
    public static async Task WriteAsync(HttpResponse response, long first, params IReadOnlyList<SharedFrame> frames)
    {
        byte[] number = new byte[ProtocolLimits.MaxIntegerBytes];
        int numberLength = FrameBody.WriteFirst(first, number);
        long length = numberLength;
        foreach (SharedFrame frame in frames) length += FrameBody.LengthOf(frame.Span);
        response.ContentType = ContentType;
        response.ContentLength = length;
        PipeWriter writer = response.BodyWriter;
        number.AsSpan(0, numberLength).CopyTo(writer.GetSpan(numberLength));
        writer.Advance(numberLength);
        foreach (SharedFrame frame in frames)
        {
            writer.Advance(FrameBody.WriteFrame(frame.Span, writer.GetSpan(FrameBody.LengthOf(frame.Span))));
        }

        await writer.FlushAsync(response.HttpContext.RequestAborted).ConfigureAwait(false);
    }

    private static byte[] Grow(byte[] buffer)
    {
        byte[] larger = ArrayPool<byte>.Shared.Rent(buffer.Length * 2);
        buffer.CopyTo(larger, 0);
        ArrayPool<byte>.Shared.Return(buffer);
        return larger;
    }
}

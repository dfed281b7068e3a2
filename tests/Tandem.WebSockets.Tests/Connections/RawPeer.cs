using System.Buffers.Binary;
using Tandem.Protocol.Framing;

namespace Tandem.WebSockets.Tests.Connections;

/// <summary>The other end of a subject's stream. It writes whatever the test says, and reads frames without judging them.</summary>
public sealed class RawPeer(Stream stream, WebSocketRole subject) : IDisposable
{
    public Stream Stream => stream;

    public Task SendAsync(params byte[] bytes) => stream.WriteAsync(bytes).AsTask().InTime();

    public Task SendFrameAsync(int firstByte, params byte[] payload) => SendAsync(Frame(firstByte, payload));

    public Task SendCloseAsync(int code, string reason = "") =>
        SendFrameAsync(0x88, [(byte)(code >> 8), (byte)code, .. System.Text.Encoding.UTF8.GetBytes(reason)]);

    /// <summary>A frame as the subject expects it: masked when the subject is a server.</summary>
    public byte[] Frame(int firstByte, params byte[] payload)
    {
        bool masks = subject == WebSocketRole.Server;
        byte[] frame = new byte[FrameHeader.LengthFor(payload.Length, masks) + payload.Length];
        int header = FrameHeader.Write(frame, (byte)firstByte, payload.Length, masks, 0x0D0C0B0A);
        if (masks) Masking.Apply(payload, frame.AsSpan(header), 0x0D0C0B0A);
        else payload.CopyTo(frame, header);
        return frame;
    }

    /// <summary>Reads a frame, and unmasks it.</summary>
    public async Task<(int FirstByte, byte[] Payload)> ReadFrameAsync()
    {
        byte[] head = await ReadAsync(2);
        long length = head[1] & 0x7F;
        if (length == 126) length = BinaryPrimitives.ReadUInt16BigEndian(await ReadAsync(2));
        else if (length == 127) length = BinaryPrimitives.ReadInt64BigEndian(await ReadAsync(8));
        bool masked = (head[1] & 0x80) != 0;
        Assert.Equal(subject == WebSocketRole.Client, masked);
        uint key = masked ? BitConverter.ToUInt32(await ReadAsync(4)) : 0;
        byte[] payload = await ReadAsync((int)length);
        Masking.Apply(payload, key);
        return (head[0], payload);
    }

    public async Task<int> ReadCloseCodeAsync()
    {
        (int first, byte[] payload) = await ReadFrameAsync();
        Assert.Equal(0x88, first);
        return payload.Length == 0 ? 1005 : BinaryPrimitives.ReadUInt16BigEndian(payload);
    }

    /// <summary>Whether nothing comes any more; a reset counts, because unread bytes make one of an end.</summary>
    public async Task<bool> IsEndedAsync()
    {
        try
        {
            return await stream.ReadAsync(new byte[1]).AsTask().InTime() == 0;
        }
        catch (IOException)
        {
            return true;
        }
    }

    public void Dispose() => stream.Dispose();

    private async Task<byte[]> ReadAsync(int count)
    {
        byte[] bytes = new byte[count];
        await stream.ReadExactlyAsync(bytes).AsTask().InTime();
        return bytes;
    }
}

using System.IO.Compression;
using System.Net.WebSockets;
using System.Text;
using Tandem.Protocol.Compression;
using Tandem.Protocol.Framing;
using Tandem.Protocol.Tests.Framing;

namespace Tandem.Protocol.Tests.Compression;

/// <summary>Compressed messages: how tests make them, and how they read them.</summary>
internal static class Deflated
{
    /// <summary>RFC 7692 section 6: the bit that marks the first fragment of a compressed message.</summary>
    public const int Rsv1 = 0x40;

    /// <summary>RFC 7692 section 7.2.2: what the receiver puts behind the payload of a message.</summary>
    public static readonly byte[] Tail = [0, 0, 0xFF, 0xFF];

    /// <summary>"Hello" as in section 7.2.3.1.</summary>
    public static readonly byte[] Hello = [0xF2, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00];

    /// <summary>Kinds of payload: what compresses by itself, what does only with a window, and what does not.</summary>
    public static readonly string[] Kinds = ["random", "high literals", "repetitive", "JSON", "empty", "one byte"];

    /// <summary>Events of a connection on which permessage-deflate was negotiated, its bytes cut into pieces of the given sizes.</summary>
    public static List<string> Read(Setup setup, ReadOnlySpan<byte> bytes, params ReadOnlySpan<int> sizes)
    {
        using var pool = new InflaterPool(setup.OutputSize);
        using var deflate = new InboundDeflate(pool, setup.WindowBits, setup.KeepsContext);
        var driver = new ReaderDriver(setup.Options, deflate);
        foreach (int size in sizes)
        {
            int length = Math.Min(size, bytes.Length);
            driver.Feed(bytes[..length]);
            bytes = bytes[length..];
        }

        driver.Feed(bytes);
        return driver.Events;
    }

    public static List<string> ReadInPieces(Setup setup, ReadOnlySpan<byte> bytes, int size)
    {
        int[] sizes = new int[bytes.Length / size];
        Array.Fill(sizes, size);
        return Read(setup, bytes, sizes);
    }

    public static string Text(string text) => ReaderDriver.MessageLine(WebSocketMessageType.Text, Encoding.UTF8.GetBytes(text));

    public static string Binary(ReadOnlySpan<byte> payload) => ReaderDriver.MessageLine(WebSocketMessageType.Binary, payload);

    /// <summary>One message, or one fragment of it, as it goes into a frame.</summary>
    public static byte[] Compress(MessageDeflater deflater, ReadOnlySpan<byte> payload, bool endOfMessage = true, bool keepContext = true)
    {
        byte[] output = new byte[MessageDeflater.MaxLength(payload.Length)];
        return output[..deflater.Deflate(payload, output, endOfMessage, keepContext)];
    }

    /// <summary>One message of a fresh context.</summary>
    public static byte[] Compress(ReadOnlySpan<byte> payload, int windowBits = 15, int level = 9)
    {
        using var deflater = new MessageDeflater(level, windowBits, 8);
        return Compress(deflater, payload);
    }

    /// <summary>The base class library's opinion: compressed messages, each with its tail, in a row.</summary>
    public static byte[] InflateByLibrary(IEnumerable<byte[]> messages)
    {
        using var source = new MemoryStream([.. messages.SelectMany(message => message.Concat(Tail))]);
        using var inflate = new DeflateStream(source, CompressionMode.Decompress);
        using var result = new MemoryStream();
        inflate.CopyTo(result);
        return result.ToArray();
    }

    /// <summary>The base class library's compression, which has the largest window, as one message.</summary>
    public static byte[] CompressByLibrary(ReadOnlySpan<byte> payload)
    {
        using var result = new MemoryStream();
        using var deflate = new DeflateStream(result, CompressionLevel.SmallestSize, leaveOpen: true);
        deflate.Write(payload);
        deflate.Flush(); // a sync flush
        byte[] bytes = result.ToArray();
        Assert.True(bytes.AsSpan().EndsWith(Tail));
        return bytes[..^4];
    }

    public static byte[] Payload(string kind, int length, int seed = 0)
    {
        byte[] bytes = new byte[kind switch { "empty" => 0, "one byte" => 1, _ => length }];
        var random = new Random((length * 31) + seed);
        switch (kind)
        {
            case "random":
                random.NextBytes(bytes);
                break;
            case "high literals": // nine bits each in DEFLATE's fixed code: the largest growth there is
                for (int i = 0; i < bytes.Length; i++) bytes[i] = (byte)random.Next(144, 256);
                break;
            case "JSON":
                var json = new StringBuilder();
                while (json.Length < length) json.Append(System.Globalization.CultureInfo.InvariantCulture, $"{{\"id\":{random.Next()},\"name\":\"peer {random.Next(50)}\",\"tags\":[\"a\",\"b\"]}},");
                Encoding.ASCII.GetBytes(json.ToString(0, length), bytes);
                break;
            default:
                for (int i = 0; i < bytes.Length; i++) bytes[i] = (byte)('a' + ((i + seed) % 23));
                break;
        }

        return bytes;
    }

    /// <summary>How a reading end was set up.</summary>
    public sealed record Setup(int WindowBits = 15, bool KeepsContext = true, int OutputSize = 64 * 1024)
    {
        public WebSocketReaderOptions Options { get; init; } = Wire.Server;
    }
}

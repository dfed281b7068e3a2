using System.Buffers.Binary;

namespace Tandem.Fuzz.Tests.FrameStreams;

/// <summary>Frames that an end has sent, taken apart without code of the engine.</summary>
internal static class SentFrames
{
    /// <summary>First byte and unmasked payload of each in hex. The bytes must be whole frames.</summary>
    /// <param name="bytes">All that was sent.</param>
    /// <param name="masked">A client must mask, and a server must not (section 5.1).</param>
    public static List<string> Parse(ReadOnlySpan<byte> bytes, bool masked)
    {
        var frames = new List<string>();
        while (!bytes.IsEmpty)
        {
            Assert.Equal(masked, bytes[1] >= 0x80);
            int length = bytes[1] & 127;
            int header = 2;
            if (length == 126) (length, header) = (BinaryPrimitives.ReadUInt16BigEndian(bytes[2..]), 4);
            else if (length == 127) (length, header) = ((int)BinaryPrimitives.ReadUInt64BigEndian(bytes[2..]), 10);
            byte[] payload = bytes.Slice(header + (masked ? 4 : 0), length).ToArray();
            for (int i = 0; masked && i < length; i++) payload[i] ^= bytes[header + (i % 4)];
            frames.Add($"{bytes[0]:X2} {Convert.ToHexString(payload)}");
            bytes = bytes[(header + (masked ? 4 : 0) + length)..];
        }

        return frames;
    }
}

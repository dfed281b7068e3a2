using Tandem.Protocol.Framing;

namespace Tandem.Protocol.Tests.Framing;

/// <summary>RFC 6455 section 5.3.</summary>
public sealed class MaskingTests
{
    [Fact]
    public void Equals_the_naive_loop_at_all_offsets_and_lengths()
    {
        byte[] buffer = new byte[400];
        byte[] expected = new byte[400];
        var random = new Random(6455);
        byte[] key = [0x37, 0xfa, 0x21, 0x3d];
        uint word = BitConverter.ToUInt32(key);
        for (int offset = 0; offset < 64; offset++)
        {
            for (int length = 0; length <= 300; length++)
            {
                random.NextBytes(buffer);
                buffer.CopyTo(expected, 0);
                for (int i = 0; i < length; i++) expected[offset + i] ^= key[i % 4];
                Masking.Apply(buffer.AsSpan(offset, length), word);
                Assert.Equal(expected, buffer);
            }
        }
    }
}

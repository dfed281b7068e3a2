using Tandem.Protocol.Framing;

namespace Tandem.Protocol.Tests.Framing;

/// <summary>RFC 6455 section 5.3: octet i of the payload is XORed with octet i modulo 4 of the key. The naive loop is the specification.</summary>
public sealed class MaskingTests
{
    private const int MaxLength = 300;

    private static readonly byte[] Key = [0x37, 0xfa, 0x21, 0x3d];

    private static uint Word => BitConverter.ToUInt32(Key);

    [Fact]
    public void Equals_the_naive_loop_at_all_offsets_and_lengths_with_all_rotations()
    {
        byte[] buffer = new byte[400];
        byte[] expected = new byte[400];
        var random = new Random(6455);
        for (int rotation = 0; rotation < 4; rotation++)
        {
            for (int offset = 0; offset < 64; offset++)
            {
                for (int length = 0; length <= MaxLength; length++)
                {
                    random.NextBytes(buffer);
                    buffer.CopyTo(expected, 0);
                    Naive(expected.AsSpan(offset, length), rotation);
                    Masking.Apply(buffer.AsSpan(offset, length), Masking.Rotate(Word, rotation));
                    Assert.True(expected.AsSpan().SequenceEqual(buffer), $"rotation {rotation}, offset {offset}, length {length}");
                }
            }
        }
    }

    [Fact]
    public void The_short_form_equals_the_naive_loop_and_tells_whether_all_is_ASCII()
    {
        byte[] buffer = new byte[200];
        byte[] expected = new byte[200];
        var random = new Random(6455);
        for (int rotation = 0; rotation < 4; rotation++)
        {
            for (int length = 0; length <= 130; length++)
            {
                // One byte that is not ASCII, at each place; at the last, none.
                for (int place = 0; place <= length; place++)
                {
                    random.NextBytes(buffer);
                    foreach (ref byte b in buffer.AsSpan(7, length)) b &= 0x7F;
                    if (place < length) buffer[7 + place] |= 0x80;
                    buffer.CopyTo(expected, 0);
                    Naive(buffer.AsSpan(7, length), rotation);
                    bool ascii = Masking.ApplyShort(buffer.AsSpan(7, length), Masking.Rotate(Word, rotation));
                    Assert.True(ascii == (place == length), $"rotation {rotation}, length {length}, not ASCII at {place}");
                    Assert.True(expected.AsSpan().SequenceEqual(buffer), $"rotation {rotation}, length {length}");
                }
            }
        }
    }

    [Fact]
    public void The_copying_form_equals_the_naive_loop_and_leaves_the_source_and_what_is_behind_alone()
    {
        byte[] source = Wire.Noise(MaxLength + 8);
        byte[] untouched = [.. source];
        for (int rotation = 0; rotation < 4; rotation++)
        {
            for (int offset = 0; offset < 8; offset++)
            {
                for (int length = 0; length <= MaxLength; length++)
                {
                    byte[] expected = source.AsSpan(offset, length).ToArray();
                    Naive(expected, rotation);
                    byte[] destination = new byte[length + 16];
                    destination.AsSpan().Fill(0xEE);
                    Masking.Apply(source.AsSpan(offset, length), destination.AsSpan(3), Masking.Rotate(Word, rotation));
                    bool right = expected.AsSpan().SequenceEqual(destination.AsSpan(3, length))
                        && !destination.AsSpan(0, 3).ContainsAnyExcept((byte)0xEE)
                        && !destination.AsSpan(3 + length).ContainsAnyExcept((byte)0xEE);
                    Assert.True(right, $"rotation {rotation}, offset {offset}, length {length}");
                }
            }
        }

        Assert.Equal(untouched, source);
    }

    [Fact]
    public void Rotate_takes_the_key_to_the_octet_that_comes_next()
    {
        for (int count = 0; count < 12; count++)
        {
            byte[] rotated = BitConverter.GetBytes(Masking.Rotate(Word, count));
            for (int i = 0; i < 4; i++) Assert.Equal(Key[(count + i) % 4], rotated[i]);
        }

        Assert.Equal(Masking.Rotate(Word, int.MaxValue % 4), Masking.Rotate(Word, int.MaxValue));
    }

    [Fact]
    public void In_pieces_of_any_size_the_result_is_that_of_the_whole()
    {
        byte[] whole = Wire.Noise(1000);
        Masking.Apply(whole, Word);
        for (int size = 1; size <= 130; size++)
        {
            byte[] pieces = Wire.Noise(1000);
            uint key = Word;
            for (int done = 0; done < pieces.Length; done += size)
            {
                int length = Math.Min(size, pieces.Length - done);
                Masking.Apply(pieces.AsSpan(done, length), key);
                key = Masking.Rotate(key, length);
            }

            Assert.True(whole.AsSpan().SequenceEqual(pieces), $"size {size}");
        }
    }

    [Fact]
    public void Twice_is_nothing()
    {
        byte[] data = Wire.Noise(4099);
        Masking.Apply(data, Word);
        Assert.NotEqual(Wire.Noise(4099), data);
        Masking.Apply(data, Word);
        Assert.Equal(Wire.Noise(4099), data);
    }

    [Fact]
    public void Section_5_7_the_masked_Hello_of_the_example()
    {
        byte[] data = "Hello"u8.ToArray();
        Masking.Apply(data, Word);
        Assert.Equal([0x7f, 0x9f, 0x4d, 0x51, 0x58], data);
    }

    [Fact]
    public void A_destination_that_is_too_short_is_refused_before_anything_is_written()
    {
        byte[] destination = new byte[4];
        Assert.Throws<ArgumentException>(() => Masking.Apply([1, 2, 3, 4, 5], destination, Word));
        Assert.Equal(new byte[4], destination);
    }

    private static void Naive(Span<byte> data, int rotation)
    {
        for (int i = 0; i < data.Length; i++) data[i] ^= Key[(i + rotation) % 4];
    }
}

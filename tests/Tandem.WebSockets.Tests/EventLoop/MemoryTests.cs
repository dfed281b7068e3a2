using System.Reflection;
using Tandem.WebSockets.EventLoop;

namespace Tandem.WebSockets.Tests.EventLoop;

/// <summary>Where messages grow and where segments come from: how much memory they take.</summary>
public sealed class MemoryTests
{
    [Theory]
    [InlineData(1, 1 << 30)]
    [InlineData(100, 5_000_000)]
    [InlineData(1_400, 1 << 24)]
    [InlineData(16_385, 1 << 24)]
    [InlineData(16_385, 20_000_000)]
    [InlineData(262_130, 1 << 24)]
    public void A_message_takes_at_most_four_times_what_has_come_however_it_comes(int piece, int announced)
    {
        foreach (bool direct in (bool[])[false, true])
        {
            var buffer = new MessageBuffer();
            byte[] source = Wire.Noise(piece);
            int end = Math.Min(announced, 5_000_000);
            for (int i = 0; buffer.Length < end && i < 3_000; i++)
            {
                int length = Math.Min(piece, announced - buffer.Length);
                if (direct && buffer.Length > 0)
                {
                    Span<byte> room = buffer.Receivable(announced - buffer.Length).Span;
                    Assert.InRange(room.Length, 1, announced - buffer.Length);
                    AssertSmall(buffer.Length + 1);
                    room = room[..Math.Min(room.Length, length)];
                    source.AsSpan(0, room.Length).CopyTo(room);
                    buffer.Append(room, announced - buffer.Length - room.Length);
                }
                else
                {
                    buffer.Append(source.AsSpan(0, length), announced - buffer.Length - length);
                }

                AssertSmall(buffer.Length);
            }

            buffer.Release();
            Assert.Equal(0, Size(buffer));

            void AssertSmall(int received) => Assert.InRange(Size(buffer), received - 1, Math.Max(4L * received, 512));
        }
    }

    [Fact]
    public void A_message_of_a_power_of_two_takes_no_more_than_itself_at_the_end()
    {
        var buffer = new MessageBuffer();
        buffer.Append(new byte[262_130], (16 << 20) - 262_130);
        while (buffer.Length < 16 << 20) buffer.Append(buffer.Receivable((16 << 20) - buffer.Length).Span, 0);
        Assert.Equal(16 << 20, Size(buffer));
        buffer.Release();
    }

    [Fact]
    public void What_was_appended_is_there_in_order_and_in_place()
    {
        var buffer = new MessageBuffer();
        var twin = new List<byte>();
        var random = new Random(7);
        for (int i = 0; i < 300; i++)
        {
            byte[] bytes = Wire.Noise(random.Next(5_000), i);
            twin.AddRange(bytes);
            for (ReadOnlySpan<byte> rest = bytes; !rest.IsEmpty;)
            {
                if (i % 2 == 0)
                {
                    buffer.Append(rest, random.Next(1_000_000));
                    break;
                }

                Span<byte> room = buffer.Receivable(rest.Length).Span;
                rest[..room.Length].CopyTo(room);
                buffer.Append(room, rest.Length - room.Length);
                rest = rest[room.Length..];
            }
        }

        Assert.True(buffer.Written.SequenceEqual(twin.ToArray()));
        buffer.Release();
        Assert.Equal(0, buffer.Length);
    }

    [Theory]
    [InlineData(true, 16)]
    [InlineData(false, 256)]
    public void The_pool_of_segments_trims_down_to_what_it_keeps(bool large, int kept)
    {
        var pool = new SegmentPool();
        List<Segment> rented = [.. Enumerable.Range(0, 1_000).Select(_ => pool.Rent(large))];
        Assert.All(rented, segment => Assert.Equal(large, segment.IsLarge));
        foreach (Segment segment in rented)
        {
            segment.End = 100;
            segment.Start = 50;
            pool.Return(segment);
        }

        Assert.Equal(1_000, Free());
        pool.Trim();
        Assert.Equal(1_000 - ((1_000 - kept + 1) / 2), Free());
        for (int i = 0; i < 20; i++) pool.Trim();
        Assert.Equal(kept, Free());
        Segment again = pool.Rent(large);
        Assert.Contains(again, rented);
        Assert.Equal((0, 0, (Segment?)null), (again.Start, again.End, again.Next));
        Assert.Equal(kept - 1, Free());

        int Free() => (int)typeof(SegmentPool).GetField(large ? "_largeCount" : "_smallCount", BindingFlags.NonPublic | BindingFlags.Instance)!.GetValue(pool)!;
    }

    private static int Size(MessageBuffer buffer) =>
        ((byte[])typeof(MessageBuffer).GetField("_array", BindingFlags.NonPublic | BindingFlags.Instance)!.GetValue(buffer)!).Length;
}

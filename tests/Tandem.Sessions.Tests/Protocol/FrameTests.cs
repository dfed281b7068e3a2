using System.Text.Json.Nodes;
using Tandem.Sessions.Protocol;

namespace Tandem.Sessions.Tests.Protocol;

/// <summary>docs/session-protocol.md: primitives, frames and bodies, by the shared vectors and by chance.</summary>
public class FrameTests
{
    public static TheoryData<string> Frames => [.. Vectors.Frames.Select(vector => vector.Name)];

    public static TheoryData<string> Malformed => [.. Vectors.Malformed.Select(vector => vector.Name)];

    [Fact]
    public void The_shared_vectors_are_what_this_codec_writes()
    {
        if (Environment.GetEnvironmentVariable("TANDEM_WRITE_VECTORS") == "1") File.WriteAllText(Vectors.Path, Vectors.Json());
        Assert.Equal(File.ReadAllText(Vectors.Path), Vectors.Json());
    }

    [Fact]
    public void Every_type_of_frame_has_a_vector() =>
        Assert.Equal(Enum.GetValues<FrameType>(), Vectors.Frames.Select(vector => (FrameType)vector.Bytes[0]).Distinct().Order());

    [Fact]
    public void The_example_of_the_document()
    {
        Assert.Equal("1001000463686174", Hex("subscribe"));
        Assert.Equal("120201046368617" + "46869", Hex("publish"));
        Assert.Equal("2207d285d8cc042a016869", Hex("event"));
        Assert.Equal("210107000101d285d8cc0429", Hex("subscribed"));
        Assert.Equal("0101000123456789abcdef000000", Hex("a new session"));
        Assert.Equal("020a12020104636861746869", Convert.ToHexStringLower(Vectors.Body(2, Vectors.Bodies[2].Frames)));
        static string Hex(string name) => Convert.ToHexStringLower(Vectors.Frames.Single(vector => vector.Name == name).Bytes);
    }

    [Theory]
    [MemberData(nameof(Frames))]
    public void A_frame_reads_as_it_was_written(string name)
    {
        byte[] bytes = Vectors.Frames.Single(vector => vector.Name == name).Bytes;
        Assert.Equal(SessionFault.None, FrameText.Read(bytes, out _, out byte[] again));
        Assert.Equal(bytes, again);
    }

    [Theory]
    [MemberData(nameof(Frames))]
    public void A_frame_that_is_cut_at_any_byte_is_truncated_unless_only_payload_is_missing(string name)
    {
        byte[] bytes = Vectors.Frames.Single(vector => vector.Name == name).Bytes;
        FrameText.Read(bytes, out JsonObject whole);
        int payload = whole["payload"] is { } hex ? hex.GetValue<string>().Length / 2 : 0;
        for (int length = 0; length < bytes.Length; length++)
        {
            SessionFault expected = length == 0 ? SessionFault.EmptyFrame : length < bytes.Length - payload ? SessionFault.Truncated : SessionFault.None;
            Assert.Equal((length, expected), (length, FrameText.Read(bytes.AsSpan(0, length), out _)));
        }
    }

    [Theory]
    [MemberData(nameof(Frames))]
    public void A_frame_that_goes_on_behind_its_last_field_is_refused_unless_that_is_payload(string name)
    {
        byte[] bytes = Vectors.Frames.Single(vector => vector.Name == name).Bytes;
        FrameText.Read(bytes, out JsonObject whole);
        SessionFault expected = whole.ContainsKey("payload") ? SessionFault.None : SessionFault.TrailingBytes;
        Assert.Equal(expected, FrameText.Read([.. bytes, 0], out _));
    }

    [Theory]
    [MemberData(nameof(Malformed))]
    public void A_broken_rule_is_named(string name)
    {
        (_, string hex, SessionFault fault) = Vectors.Malformed.Single(vector => vector.Name == name);
        Assert.Equal(fault, FrameText.Read(Convert.FromHexString(hex), out JsonObject fields));
        Assert.NotEmpty(fault.Text());
        Assert.All(fields, field => Assert.DoesNotMatch("[1-9a-zA-Z]", field.Value!.ToJsonString().Replace("\"\"", "", StringComparison.Ordinal)));
    }

    [Fact]
    public void Every_type_has_a_direction()
    {
        for (int type = 0; type < 256; type++)
        {
            bool known = Enum.IsDefined((FrameType)type);
            SessionFault up = ProtocolTable.Judge((FrameType)type, fromServer: false), down = ProtocolTable.Judge((FrameType)type, fromServer: true);
            Assert.Equal(known, up == SessionFault.None || down == SessionFault.None);
            Assert.Equal(!known, up == SessionFault.UnknownType);
            Assert.Equal(!known, down == SessionFault.UnknownType);
            if (known && type >= 0x10) Assert.Equal(type >= 0x20, down == SessionFault.None);
        }
    }

    [Fact]
    public void Whatever_is_accepted_writes_the_same_bytes_again()
    {
        var random = new Random(7);
        int accepted = 0;
        for (int round = 0; round < 200_000; round++)
        {
            byte[] bytes = Mutations.ChangeFew(random, Vectors.Frames[random.Next(Vectors.Frames.Length)].Bytes);
            if (FrameText.Read(bytes, out _, out byte[] again) != SessionFault.None) continue;
            accepted++;
            Assert.Equal(bytes, again);
        }

        Assert.InRange(accepted, 50_000, 199_999);
    }

    [Fact]
    public void Reading_and_writing_allocate_nothing()
    {
        byte[] subscribe = Vectors.Frames.Single(vector => vector.Name == "subscribe at its bounds").Bytes;
        byte[] published = Vectors.Frames.Single(vector => vector.Name == "publish with a key").Bytes;
        byte[] copy = new byte[2048];
        long before = 0;
        for (int round = 0; round < 200; round++)
        {
            if (round == 100) before = GC.GetAllocatedBytesForCurrentThread();
            SubscribeFrame.Read(subscribe, out SubscribeFrame first);
            first.Write(copy);
            PublishFrame.Read(published, out PublishFrame second);
            second.Write(copy);
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Fact]
    public void Bodies_read_as_they_were_written_and_are_truncated_at_every_byte()
    {
        foreach ((_, long first, byte[][] frames) in Vectors.Bodies)
        {
            byte[] body = Vectors.Body(first, frames);
            Assert.Equal((SessionFault.None, first, frames.Length), ReadBody(body, frames));
            int[] whole = [.. Ends(first, frames)];
            for (int length = 0; length < body.Length; length++)
            {
                (SessionFault fault, _, int count) = ReadBody(body.AsSpan(0, length), frames);
                Assert.Equal(whole.Contains(length) ? SessionFault.None : SessionFault.Truncated, fault);
                Assert.Equal(Math.Max(0, whole.Count(end => end <= length) - 1), count);
            }
        }
    }

    [Fact]
    public void A_broken_body_is_named()
    {
        foreach ((string name, string hex, SessionFault fault) in Vectors.MalformedBodies)
        {
            var body = new FrameBody(Convert.FromHexString(hex), 2048);
            while (body.TryRead(out _))
            {
            }

            Assert.Equal((name, fault), (name, body.Fault));
        }
    }

    [Fact]
    public void Forms_that_carriers_keep_with_a_frame_are_found_by_their_key()
    {
        SharedFrame frame = new PingFrame().ToShared();
        object first = new(), second = new(), form = new();
        Assert.Null(frame.Find(first));
        Assert.Same(form, frame.Keep(first, form));
        Assert.Same(form, frame.Keep(first, new object()));
        frame.Keep(second, second);
        Assert.Same(form, frame.Find(first));
        Assert.Same(second, frame.Find(second));
    }

    private static (SessionFault Fault, long First, int Count) ReadBody(ReadOnlySpan<byte> bytes, byte[][] frames)
    {
        var body = new FrameBody(bytes, 2048);
        int count = 0;
        while (body.TryRead(out ReadOnlySpan<byte> frame)) Assert.Equal(frames[count++], frame.ToArray());
        return (body.Fault, body.First, count);
    }

    private static IEnumerable<int> Ends(long first, byte[][] frames)
    {
        int end = FrameBody.WriteFirst(first, new byte[8]);
        yield return end;
        foreach (byte[] frame in frames) yield return end += FrameBody.LengthOf(frame);
    }
}

using System.Text;
using Tandem.Conformance.Tests.Subjects;
using Tandem.Conformance.Tests.Tester;

namespace Tandem.Conformance.Tests.Rfc7692;

/// <summary>RFC 7692 sections 6 and 7.2: compressed messages of every kind and size, in any fragments, among others and control frames.</summary>
public sealed class Section7_2_MessageTests
{
    private const string Name = "permessage-deflate";

    private static readonly byte[] Hello = "Hello"u8.ToArray();

    // The examples of section 7.2.3, and further ways to say the same.
    private static readonly Dictionary<string, Frame[]> Hellos = new()
    {
        ["7.2.3.1 one compressed block"] = [C(0xC1, "F248CDC9C90700")],
        ["7.2.3.1 in two fragments"] = [C(0x41, "F248CD"), C(0x80, "C9C90700")],
        ["7.2.3.1 in fragments of one byte"] = [.. DeflateTester.Split(1, Convert.FromHexString("F248CDC9C90700"), 1)],
        ["7.2.3.1 with empty fragments"] = [C(0x41, ""), C(0x00, "F248CD"), C(0x00, ""), C(0x00, "C9C90700"), C(0x80, "")],
        ["7.2.3.3 a stored block"] = [C(0xC1, "000500FAFF48656C6C6F00")],
        ["7.2.3.4 a block with BFINAL"] = [C(0xC1, "F348CDC9C9070000")],
        ["7.2.3.5 two blocks"] = [C(0xC1, "F24805000000FFFFCAC9C90700")],
        ["empty blocks before it"] = [C(0xC1, "000000FFFF000000FFFFF248CDC9C90700")],
        ["uncompressed"] = [C(0x81, "48656C6C6F")],
        ["uncompressed in fragments"] = [C(0x01, "48656C"), C(0x80, "6C6F")],
    };

    private static readonly int[] Sizes = [0, 1, 16, 63, 64, 65, 256, 1024, 4096, 8192, 16384, 32768, 65536, 131072];

    public static MatrixTheoryData<Subject, string, Delivery> Examples => new(Enum.GetValues<Subject>(), Hellos.Keys, Enum.GetValues<Delivery>());

    public static IEnumerable<TheoryDataRow<Subject, string, string, int>> Messages =>
        from subject in Enum.GetValues<Subject>()
        from parameters in (string[])["", "; server_no_context_takeover; client_no_context_takeover", "; server_max_window_bits=9; client_max_window_bits=9"]
        from kind in (string[])["JSON", "random", "zeros", "text"]
        from size in Sizes
        select new TheoryDataRow<Subject, string, string, int>(subject, parameters, kind, size);

    [Theory]
    [MemberData(nameof(Examples), DisableDiscoveryEnumeration = true)]
    public async Task Every_form_of_a_message_is_understood(Subject subject, string name, Delivery delivery)
    {
        await using DeflateTester tester = await DeflateTester.Open(subject, Name);
        for (int i = 0; i < 3; i++)
        {
            await tester.Wire.Send(Hellos[name], delivery);
            await tester.ExpectMessage(1, Hello, compressed: false);
        }

        await tester.Wire.Close(Frame.Close(1000));
    }

    [Theory]
    [EverySubject]
    public async Task Section_7_2_3_2_a_message_may_refer_to_the_one_before(Subject subject)
    {
        await using DeflateTester tester = await DeflateTester.Open(subject, Name);
        foreach (string hex in (string[])["F248CDC9C90700", "F200110000", "F200110000"])
        {
            await tester.Wire.Send(C(0xC1, hex));
            await tester.ExpectMessage(1, Hello, compressed: false);
        }

        await tester.Wire.Close(Frame.Close(1000));
    }

    [Theory]
    [EverySubject]
    public async Task Section_7_2_3_6_an_empty_message_may_be_compressed(Subject subject)
    {
        await using DeflateTester tester = await DeflateTester.Open(subject, Name);
        foreach (Frame[] frames in (Frame[][])[[C(0xC1, "00")], [C(0xC1, "0200")], [C(0xC2, "0300")], [C(0x41, ""), C(0x80, "00")]])
        {
            await tester.Wire.Send(frames);
            await tester.ExpectMessage(frames[0].Opcode, [], compressed: false);
        }

        await tester.Trip(1, Hello);
        await tester.Wire.Close(Frame.Close(1000));
    }

    [Theory]
    [MemberData(nameof(Messages), DisableDiscoveryEnumeration = true)]
    public async Task Messages_of_every_size_and_kind_come_back(Subject subject, string parameters, string kind, int size)
    {
        await using DeflateTester tester = await DeflateTester.Open(subject, Name + parameters, new SubjectOptions { Deflate = new() });
        int opcode = kind is "JSON" or "text" ? 1 : 2;
        bool? compressed = size < 64 ? false : kind is "JSON" or "zeros" ? true : null;
        for (int i = 0; i < 3; i++) await tester.Trip(opcode, Payload(kind, size, i), compressed: compressed);
        await tester.Trip(opcode, Payload(kind, size, 3), size: 256, compressed);
        await tester.Trip(opcode, Payload(kind, size, 4), size: 4093, compressed);
        await tester.Wire.Close(Frame.Close(1000));
    }

    [Theory]
    [EverySubject]
    public async Task A_thousand_messages_come_back(Subject subject)
    {
        foreach (int size in (int[])[16, 1024, 8192])
        {
            await using DeflateTester tester = await DeflateTester.Open(subject, Name);
            for (int i = 0; i < 1000; i++) await tester.Trip(1, Payload("JSON", size, i));
            await tester.Wire.Close(Frame.Close(1000));
        }
    }

    [Theory]
    [EverySubject]
    public async Task Control_frames_between_compressed_fragments_are_answered_at_once(Subject subject)
    {
        await using DeflateTester tester = await DeflateTester.Open(subject, Name);
        byte[] json = Payload("JSON", 5000, 0);
        Frame[] frames = tester.Message(1, json, size: 50);
        await tester.Wire.Send([.. frames.SelectMany((frame, i) => (Frame[])[Frame.Ping($"{i}"), frame, Frame.Pong("unasked")])]);
        for (int i = 0; i < frames.Length; i++) await tester.Wire.Expect(Frame.Pong($"{i}"));
        await tester.ExpectMessage(1, json, compressed: true);
        await tester.Wire.Close(Frame.Close(1000));
    }

    [Theory]
    [EverySubject]
    public async Task Compressed_and_uncompressed_messages_alternate(Subject subject)
    {
        await using DeflateTester tester = await DeflateTester.Open(subject, Name);
        byte[] json = Payload("JSON", 1000, 0);
        byte[] noise = Payload("random", 1000, 0);
        for (int i = 0; i < 5; i++)
        {
            // What is not compressed is no part of the context: the compressed messages refer to compressed ones only.
            await tester.Trip(1, json, compressed: true);
            await tester.Wire.Send(Frame.Text(json), Frame.Binary(noise), Frame.Part(1, json[..500]), Frame.Last(json[500..]));
            await tester.ExpectMessage(1, json, compressed: true);
            await tester.ExpectMessage(2, noise);
            await tester.ExpectMessage(1, json, compressed: true);
        }

        await tester.Wire.Close(Frame.Close(1000));
    }

    [Theory]
    [EverySubject]
    public async Task A_distance_of_the_whole_window_is_understood(Subject subject)
    {
        for (int bits = 8; bits <= 15; bits++)
        {
            await using DeflateTester tester = await DeflateTester.Open(subject, $"{Name}; {(subject == Subject.Client ? "server" : "client")}_max_window_bits={bits}");
            byte[] noise = Wire.Noise(1 << bits);
            byte[] compressed = new DeflateBits().Literals(noise).Match(258, 1 << bits).EndBlock().Message();
            // A server may leave the client a larger window than it asked for, never a smaller one.
            await tester.Wire.Send([.. DeflateTester.Split(2, compressed, 1000)]);
            byte[] whole = new byte[noise.Length + 258];
            for (int i = 0; i < whole.Length; i++) whole[i] = noise[i % noise.Length];
            await tester.ExpectMessage(2, whole);
            await tester.Wire.Close(Frame.Close(1000));
        }
    }

    private static byte[] Payload(string kind, int size, int seed)
    {
        switch (kind)
        {
            case "random":
                return Wire.Noise(size, seed);
            case "zeros":
                return new byte[size];
            case "text":
                return Wire.TextBytes(size);
            default:
                var json = new StringBuilder();
                for (int i = seed; json.Length < size; i++) json.Append(System.Globalization.CultureInfo.InvariantCulture, $"{{\"id\":{i * 7919},\"name\":\"peer {i % 50}\",\"tags\":[\"a\",\"b\"]}},");
                return Encoding.ASCII.GetBytes(json.ToString(0, size));
        }
    }

    private static Frame C(byte first, string hex) => new(first, Convert.FromHexString(hex));
}

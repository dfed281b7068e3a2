using System.Net.WebSockets;
using Tandem.Protocol.Drafts;
using Tandem.Protocol.Framing;

namespace Tandem.Fuzz.Tests.Drafts;

/// <summary>Bytes of one end of a connection, and the pieces that they come in: a client's, or the frames that a server has written.</summary>
internal sealed record HixieCase(WebSocketDrafts Draft, bool IsServer, byte[] Wire, int[] Cuts);

/// <summary>
/// The translation of hixie-75 and hixie-76 against a naive reader: what clients send, and what they are sent, which is read like what they send.
/// </summary>
internal sealed class HixieFuzzer : Fuzzer<HixieCase>
{
    private static readonly WebSocketReaderOptions Server = new();

    protected override string Target => "drafts";

    protected override IEnumerable<string> Expected => ["text", "close", "fault InvalidUtf8", "fault ReservedOpcode", "sent text", "sent close", "sent Binary", "sent NotUtf8"];

    protected override HixieCase Create(Random random)
    {
        WebSocketDrafts draft = random.Next(2) == 0 ? WebSocketDrafts.Hixie75 : WebSocketDrafts.Hixie76;
        bool isServer = random.Next(2) == 0;
        byte[] wire = isServer ? CreateFrames(random) : random.Mutate(CreateClient(random), 3, 0x00, 0xFF, 0x80, 0xC3);
        return new HixieCase(draft, isServer, wire, random.Cut(wire.Length));
    }

    protected override ValueTask<string?> Judge(HixieCase input) => new(input.IsServer ? JudgeSent(input) : JudgeReceived(input));

    protected override IEnumerable<HixieCase> Smaller(HixieCase input)
    {
        if (input.Cuts.Length > 1) yield return input with { Cuts = [input.Wire.Length] };
        for (int i = 0; i + 1 < input.Cuts.Length; i++) yield return input with { Cuts = [.. input.Cuts[..i], input.Cuts[i] + input.Cuts[i + 1], .. input.Cuts[(i + 2)..]] };
        if (input.IsServer) yield break; // frames that are none are not written
        foreach (byte[] wire in Bytes.Smaller(input.Wire)) yield return input with { Wire = wire, Cuts = [wire.Length] };
    }

    protected override string Describe(HixieCase input) =>
        $"{input.Draft}, {(input.IsServer ? "sent" : "received")}, pieces of {string.Join(",", input.Cuts)}\n  {Convert.ToHexString(input.Wire)}";

    private string? JudgeReceived(HixieCase input)
    {
        List<string> expected = NaiveHixie.Read(input.Draft, input.Wire);
        List<string> actual = Receive(input.Draft, input.Wire, input.Cuts);
        foreach (string found in expected) Count(found.StartsWith("text", StringComparison.Ordinal) ? "text" : found);
        return expected.SequenceEqual(actual) ? null : $"{string.Join(", ", actual)}\ninstead of\n{string.Join(", ", expected)}";
    }

    // What would be read if a client said it: the messages as they were before they were translated.
    private string? JudgeSent(HixieCase input)
    {
        (List<string> expected, HixieFault fault) = ReadFrames(input.Wire, input.Draft);
        var writer = new HixieWriter(input.Draft);
        var sent = new List<byte>();
        int at = 0;
        foreach (int size in input.Cuts)
        {
            byte[] output = new byte[size + HixieWriter.MaxGrowth];
            sent.AddRange(output.AsSpan(0, writer.Translate(input.Wire.AsSpan(at, size), output)));
            at += size;
        }

        foreach (string found in expected) Count($"sent {found.Split(' ')[0]}");
        Count($"sent {writer.Fault}");
        List<string> actual = NaiveHixie.Read(input.Draft, [.. sent]);
        if (writer.Fault != fault) return $"{writer.Fault} instead of {fault}";
        return expected.SequenceEqual(actual) ? null : $"{string.Join(", ", actual)}\ninstead of\n{string.Join(", ", expected)}";
    }

    private static List<string> Receive(WebSocketDrafts draft, byte[] wire, int[] cuts)
    {
        var events = new List<string>();
        var translator = new HixieReader(draft);
        var reader = new WebSocketReader(Server);
        var message = new List<byte>();
        int at = 0;
        foreach (int size in cuts)
        {
            byte[] frames = new byte[HixieReader.MaxLength(size)];
            Span<byte> input = frames.AsSpan(0, translator.Translate(wire.AsSpan(at, size), frames));
            at += size;
            while (!input.IsEmpty)
            {
                WebSocketEvent found = reader.Read(input, out int consumed, out Span<byte> payload);
                input = input[consumed..];
                message.AddRange(payload);
                if (found == WebSocketEvent.Payload) continue;
                if (found == WebSocketEvent.EndOfMessage) events.Add(NaiveHixie.Text([.. message]));
                else if (found == WebSocketEvent.Close) events.Add("close");
                else if (found == WebSocketEvent.Fault) return [.. events, NaiveHixie.Fault(reader.Fault)];
                else throw new InvalidOperationException($"{found}: frames are whole.");
                message.Clear();
                if (found == WebSocketEvent.Close) return events;
            }
        }

        return events;
    }

    // As far as the client is told of it.
    private static (List<string> Events, HixieFault Fault) ReadFrames(byte[] wire, WebSocketDrafts draft)
    {
        var events = new List<string>();
        var fault = HixieFault.None;
        List<byte>? text = null;
        for (int at = 0; at < wire.Length;)
        {
            FrameHeader.TryRead(wire.AsSpan(at), out FrameHeader header);
            at += header.Length;
            byte[] payload = wire[at..(at + (int)header.PayloadLength)];
            at += payload.Length;
            if (header.Opcode == Opcode.Close) return (draft == WebSocketDrafts.Hixie76 && text is null ? [.. events, "close"] : events, fault);
            if (header.Opcode == Opcode.Binary && fault == HixieFault.None) fault = HixieFault.Binary;
            if (header.Opcode == Opcode.Text) text = [];
            if (header.Opcode > Opcode.Text && header.Opcode != Opcode.Continuation) continue;
            if (text is not null && payload.Contains((byte)0xFF)) return (events, HixieFault.NotUtf8);
            text?.AddRange(payload);
            if (!header.Fin || text is null) continue;
            events.Add(NaiveHixie.Text([.. text]));
            text = null;
        }

        return (events, fault);
    }

    private static byte[] CreateClient(Random random)
    {
        var wire = new List<byte>();
        for (int i = random.Next(1, 8); i > 0; i--)
        {
            switch (random.Next(10))
            {
                case 0:
                    wire.AddRange([(byte)random.Next(1, 0x80), .. Wire.TextBytes(random.Next(10)), 0xFF]);
                    break;
                case 1:
                    int length = random.Next(4) == 0 ? random.Next(70_000) : random.Next(300);
                    wire.AddRange([(byte)random.Next(0x80, 0x100), (byte)(0x80 | (length >> 14)), (byte)(0x80 | (length >> 7)), (byte)(length & 0x7F), .. new byte[length]]);
                    break;
                case 2:
                    wire.AddRange([0xFF, 0x00]);
                    break;
                default:
                    wire.AddRange([0x00, .. Wire.TextBytes(random.Next(3) == 0 ? random.Next(3000) : random.Next(10)), 0xFF]);
                    break;
            }
        }

        return [.. wire];
    }

    private static byte[] CreateFrames(Random random)
    {
        var frames = new List<byte>();
        var writer = new WebSocketWriter(WebSocketRole.Server);
        byte[] buffer = new byte[100_000];
        for (int i = random.Next(1, 8); i > 0; i--)
        {
            bool binary = random.Next(12) == 0;
            byte[] payload = new byte[random.Next(5) == 0 ? random.Next(70_000) : random.Next(20)]; // a message may end anywhere in it: characters of one byte
            if (random.Next(20) == 0 && payload.Length != 0) payload[random.Next(payload.Length)] = 0xFF;
            foreach (byte[] part in Split(random, payload))
            {
                bool ends = ReferenceEquals(part, payload) || (part.Length == 0 && random.Next(2) == 0) || random.Next(3) != 0;
                WebSocketMessageType type = binary ? WebSocketMessageType.Binary : WebSocketMessageType.Text;
                frames.AddRange(buffer.AsSpan(0, writer.WriteFrame(buffer, type, part, ends, 0, compressed: false)));
                if (random.Next(4) == 0) frames.AddRange(buffer.AsSpan(0, writer.WriteControl(buffer, random.Next(2) == 0 ? Opcode.Ping : Opcode.Pong, "?"u8, 0)));
                if (ends) break;
            }

            if (writer.IsInMessage && random.Next(3) != 0) frames.AddRange(buffer.AsSpan(0, writer.WriteFrame(buffer, binary ? WebSocketMessageType.Binary : WebSocketMessageType.Text, default, true, 0, compressed: false)));
            if (writer.IsInMessage) break;
        }

        if (random.Next(2) == 0) frames.AddRange(buffer.AsSpan(0, writer.WriteClose(buffer, WebSocketCloseStatus.NormalClosure, "done", 0)));
        return [.. frames];
    }

    private static IEnumerable<byte[]> Split(Random random, byte[] payload)
    {
        if (random.Next(2) == 0) return [payload];
        int at = random.Next(payload.Length + 1);
        return [payload[..at], payload[at..]];
    }
}

using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Tandem.Conformance.Tests.Tester;

/// <summary>The three ways to write a length (RFC 6455 section 5.2), by the number of bytes behind the second of the header.</summary>
public enum LengthForm
{
    Minimal = -1,
    Bits7 = 0,
    Bits16 = 2,
    Bits64 = 8,
}

/// <summary>
/// A frame as the tester writes it, right or wrong, and as it has read it. Written out here once more, apart from the engine's own layout of
/// frames, so that both cannot be wrong in the same way.
/// </summary>
/// <param name="First">FIN, RSV1-3 and the opcode.</param>
/// <param name="Payload">The payload, unmasked.</param>
public sealed record Frame(byte First, byte[] Payload)
{
    public const byte FinText = 0x81;
    public const byte FinBinary = 0x82;
    public const byte FinContinuation = 0x80;

    /// <summary>How the length is written.</summary>
    public LengthForm Form { get; init; } = LengthForm.Minimal;

    /// <summary>The announced length, where it is not that of the payload: the rest is never sent.</summary>
    public ulong? Announced { get; init; }

    /// <summary>The MASK bit, and with it the key, is as it must not be.</summary>
    public bool WrongMask { get; init; }

    public int Opcode => First & 0x0F;

    public bool IsControl => (First & 0x08) != 0;

    public int CloseCode => Payload.Length < 2 ? 1005 : BinaryPrimitives.ReadUInt16BigEndian(Payload);

    public static Frame Text(string text) => new(FinText, Encoding.UTF8.GetBytes(text));

    public static Frame Text(params byte[] payload) => new(FinText, payload);

    public static Frame Binary(params byte[] payload) => new(FinBinary, payload);

    public static Frame Ping(params byte[] payload) => new(0x89, payload);

    public static Frame Ping(string text) => Ping(Encoding.UTF8.GetBytes(text));

    public static Frame Pong(params byte[] payload) => new(0x8A, payload);

    public static Frame Pong(string text) => Pong(Encoding.UTF8.GetBytes(text));

    public static Frame Close(params byte[] payload) => new(0x88, payload);

    public static Frame Close(int code, string reason = "") => Close([(byte)(code >> 8), (byte)code, .. Encoding.UTF8.GetBytes(reason)]);

    /// <summary>A data frame with FIN clear: 1, 2 or 0.</summary>
    public static Frame Part(int opcode, params byte[] payload) => new((byte)opcode, payload);

    public static Frame Part(int opcode, string text) => Part(opcode, Encoding.UTF8.GetBytes(text));

    /// <summary>The last fragment of a message.</summary>
    public static Frame Last(params byte[] payload) => new(FinContinuation, payload);

    public static Frame Last(string text) => Last(Encoding.UTF8.GetBytes(text));

    /// <summary>A message in fragments of the given size.</summary>
    public static IEnumerable<Frame> Fragments(int opcode, byte[] payload, int size)
    {
        for (int at = 0; ; at += size)
        {
            bool last = at + size >= payload.Length;
            byte first = (byte)((at == 0 ? opcode : 0) | (last ? 0x80 : 0));
            yield return new Frame(first, payload[at..(last ? payload.Length : at + size)]);
            if (last) yield break;
        }
    }

    /// <summary>A message of two fragments.</summary>
    public static Frame[] Halves(int opcode, byte[] payload, int split) => [Part(opcode, payload[..split]), Last(payload[split..])];

    /// <summary>The bytes, with a fresh masking key where there is to be one.</summary>
    public byte[] Encode(bool masks)
    {
        masks ^= WrongMask;
        ulong length = Announced ?? (ulong)Payload.Length;
        LengthForm form = Form != LengthForm.Minimal ? Form : length < 126 ? LengthForm.Bits7 : length < 65536 ? LengthForm.Bits16 : LengthForm.Bits64;
        int header = 2 + (int)form;
        byte[] bytes = new byte[header + (masks ? 4 : 0) + Payload.Length];
        bytes[0] = First;
        bytes[1] = (byte)((masks ? 0x80 : 0) | (form == LengthForm.Bits7 ? (int)length : form == LengthForm.Bits16 ? 126 : 127));
        for (int i = header - 1; i >= 2; i--, length >>= 8) bytes[i] = (byte)length;
        Payload.CopyTo(bytes, bytes.Length - Payload.Length);
        if (!masks) return bytes;
        RandomNumberGenerator.Fill(bytes.AsSpan(header, 4));
        for (int i = 0; i < Payload.Length; i++) bytes[header + 4 + i] ^= bytes[header + (i & 3)];
        return bytes;
    }

    public override string ToString() => Payload.Length <= 40
        ? $"{First:X2} [{Convert.ToHexString(Payload)}]"
        : $"{First:X2} [{Convert.ToHexString(Payload.AsSpan(0, 32))}... {Payload.Length} bytes]";
}

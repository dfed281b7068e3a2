using Tandem.Conformance.Tests.Subjects;
using Tandem.Protocol.Compression;

namespace Tandem.Conformance.Tests.Tester;

/// <summary>A tester on a connection with permessage-deflate.</summary>
public sealed class DeflateTester(WireTester wire, DeflateEnd end) : IAsyncDisposable
{
    public const byte Rsv1 = 0x40;

    /// <summary>What the subjects do not compress: <see cref="DeflateOptions.MinimumSize"/>.</summary>
    private static readonly int MinimumSize = new DeflateOptions().MinimumSize;

    public WireTester Wire => wire;

    /// <summary>Opens a connection on which the tester says something: as a client its offer, as a server its answer.</summary>
    public static async Task<DeflateTester> Open(Subject subject, string extension, SubjectOptions? options = null)
    {
        WireTester wire = await WireTester.Open(subject, options ?? new SubjectOptions { Deflate = new DeflateOptions() }, extension);
        wire.AllowsRsv1 = true;
        Assert.NotNull(wire.Extensions);
        return new DeflateTester(wire, new DeflateAgreement(wire.IsClient ? wire.Extensions! : extension).End(wire.IsClient));
    }

    /// <summary>A compressed message, in frames of the given size.</summary>
    public Frame[] Message(int opcode, byte[] payload, int size = int.MaxValue)
    {
        byte[] compressed = end.Compress(payload);
        return [.. Split(opcode, compressed, Math.Min(size, Math.Max(1, compressed.Length)))];
    }

    /// <summary>Compressed bytes in frames: RSV1 stands on the first.</summary>
    public static IEnumerable<Frame> Split(int opcode, byte[] compressed, int size) =>
        Frame.Fragments(opcode, compressed, size).Select((frame, i) => i == 0 ? frame with { First = (byte)(frame.First | Rsv1) } : frame);

    /// <summary>The next frame, which must be this message; compressed where the subject is to compress.</summary>
    public async Task ExpectMessage(int opcode, byte[] payload, bool? compressed = null)
    {
        Frame frame = await wire.Read() ?? throw new Xunit.Sdk.XunitException("The connection ended; expected was a message.");
        bool is1 = (frame.First & Rsv1) != 0;
        Assert.Equal(0x80 | opcode | (is1 ? Rsv1 : 0), frame.First);
        if (compressed is { } must) Assert.True(is1 == must, $"RSV1 is {is1} on {frame}.");
        if (payload.Length < MinimumSize) Assert.False(is1);
        byte[] received = is1 ? end.Inflate(frame.Payload, payload.Length) : frame.Payload;
        Assert.True(payload.AsSpan().SequenceEqual(received), $"A message of {payload.Length} bytes came back as one of {received.Length}, or with others.");
    }

    /// <summary>Sends a message and expects it back.</summary>
    public async Task Trip(int opcode, byte[] payload, int size = int.MaxValue, bool? compressed = null)
    {
        Task sending = wire.Send(Message(opcode, payload, size), Delivery.OneWrite);
        await ExpectMessage(opcode, payload, compressed);
        await sending;
    }

    public ValueTask DisposeAsync()
    {
        end.Dispose();
        return wire.DisposeAsync();
    }
}

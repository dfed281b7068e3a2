using System.Security.Cryptography;

namespace Tandem.Coap;

/// <summary>The system's randomness: tokens and message IDs must not be guessed (RFC 7252 section 11.4).</summary>
internal sealed class SecureRandom : Random
{
    public override int Next(int maxValue) => maxValue <= 1 ? 0 : RandomNumberGenerator.GetInt32(maxValue);

    public override void NextBytes(Span<byte> buffer) => RandomNumberGenerator.Fill(buffer);

    public override void NextBytes(byte[] buffer) => RandomNumberGenerator.Fill(buffer);

    public override double NextDouble() => Sample();

    protected override double Sample() => RandomNumberGenerator.GetInt32(int.MaxValue) / (double)int.MaxValue;
}

using System.Text;
using Tandem.Coap;

namespace Tandem.Fuzz.Tests.Coap;

/// <summary>Datagrams that are messages, nearly messages, or nothing.</summary>
internal static class CoapGenerator
{
    private static readonly string[] Paths = ["", "state", "store/a", "store/b", "nothing", ".well-known/core", "a/b/c/d"];

    private static readonly CoapOptionNumber[] Numbers =
    [
        CoapOptionNumber.IfMatch, CoapOptionNumber.UriHost, CoapOptionNumber.ETag, CoapOptionNumber.IfNoneMatch, CoapOptionNumber.Observe, CoapOptionNumber.UriPort, CoapOptionNumber.UriQuery,
        CoapOptionNumber.ContentFormat, CoapOptionNumber.Accept, CoapOptionNumber.Size1, CoapOptionNumber.Size2, CoapOptionNumber.ProxyUri, CoapOptionNumber.Echo, CoapOptionNumber.RequestTag,
        CoapOptionNumber.Block1, CoapOptionNumber.Block1, CoapOptionNumber.Block2, CoapOptionNumber.Block2, (CoapOptionNumber)9, (CoapOptionNumber)10, (CoapOptionNumber)65001,
    ];

    public static byte[] Datagram(Random random)
    {
        if (random.Next(20) == 0)
        {
            byte[] noise = new byte[random.Next(60)];
            random.NextBytes(noise);
            return noise;
        }

        byte[] datagram = Message(random).ToArray();
        return random.Next(3) == 0 ? random.Mutate(datagram, 3, 0x40, 0xFF, 0x0D, 0xD0, 0xE0, 0xDD, 0xEE, 0xF0, 0x0F) : datagram;
    }

    private static CoapMessage Message(Random random)
    {
        byte[] token = new byte[random.Next(3) == 0 ? random.Next(9) : 2];
        if (token.Length > 0) token[0] = (byte)random.Next(4);
        var type = (CoapType)(random.Next(4) == 0 ? random.Next(4) : random.Next(2));
        CoapCode code = random.Next(5) == 0 ? new CoapCode((byte)random.Next(256)) : new CoapCode(0, random.Next(1, 5));
        var message = new CoapMessage(type, code, (ushort)random.Next(random.Next(2) == 0 ? 20 : 65536), new CoapToken(token)) { Payload = Payload(random) };
        message.Options.Path = Paths[random.Next(Paths.Length)];
        if (random.Next(3) == 0) message.Options.Observe = (uint)random.Next(3);
        for (int i = random.Next(4); i > 0; i--)
        {
            CoapOptionNumber number = Numbers[random.Next(Numbers.Length)];
            message.Options.Add(number, Value(random, number));
        }

        return message;
    }

    private static byte[] Value(Random random, CoapOptionNumber number)
    {
        // Blocks that fit each other now and then: few numbers, small sizes.
        if (number is CoapOptionNumber.Block1 or CoapOptionNumber.Block2) return [(byte)((random.Next(4) << 4) | (random.Next(2) << 3) | random.Next(random.Next(10) == 0 ? 8 : 2))];
        byte[] value = new byte[random.Next(8) == 0 ? random.Next(300) : random.Next(5)];
        random.NextBytes(value);
        return random.Next(2) == 0 ? value : Encoding.ASCII.GetBytes(Convert.ToHexString(value));
    }

    private static byte[] Payload(Random random)
    {
        byte[] payload = new byte[random.Next(4) switch { 0 => 0, 1 => 16, 2 => 32, _ => random.Next(1200) }];
        random.NextBytes(payload);
        return payload;
    }
}

using System.Text;

namespace Tandem.Fuzz.Tests.Coap;

/// <summary>A naive reader of CoAP messages (RFC 7252 section 3): byte by byte, by exceptions.</summary>
internal static class NaiveCoap
{
    /// <summary>All that a datagram says, or null when it is no message.</summary>
    public static string? Read(byte[] datagram)
    {
        try
        {
            return Describe(new Queue<byte>(datagram));
        }
        catch (Exception exception) when (exception is InvalidOperationException or FormatException)
        {
            return null; // a queue that is empty too early, or a rule
        }
    }

    private static string Describe(Queue<byte> bytes)
    {
        byte first = bytes.Dequeue();
        byte code = bytes.Dequeue();
        int id = (bytes.Dequeue() * 256) + bytes.Dequeue();
        int type = first / 16 % 4;
        int tokenLength = first % 16;
        Rule(first / 64 == 1 && tokenLength <= 8);
        Rule(code / 32 is 0 or 2 or 3 or 4 or 5);
        if (code == 0) Rule(tokenLength == 0 && bytes.Count == 0 && type != 1);
        else Rule(type != 3 && !(type == 2 && code < 32));
        var text = new StringBuilder($"{type} {code} {id} {Hex(Take(bytes, tokenLength))}");
        int number = 0;
        int count = 0;
        while (bytes.Count > 0)
        {
            byte head = bytes.Dequeue();
            if (head == 255)
            {
                Rule(bytes.Count > 0);
                return text.Append(" : ").Append(Hex(Take(bytes, bytes.Count))).ToString();
            }

            number += Extended(bytes, head / 16);
            int length = Extended(bytes, head % 16);
            Rule(number < 65536 && ++count <= 64);
            text.Append($" {number}={Hex(Take(bytes, length))}");
        }

        return text.Append(" : ").ToString();
    }

    private static int Extended(Queue<byte> bytes, int nibble)
    {
        Rule(nibble != 15);
        return nibble switch
        {
            13 => 13 + bytes.Dequeue(),
            14 => 269 + (bytes.Dequeue() * 256) + bytes.Dequeue(),
            _ => nibble,
        };
    }

    private static byte[] Take(Queue<byte> bytes, int count) => [.. Enumerable.Range(0, count).Select(_ => bytes.Dequeue())];

    private static string Hex(byte[] bytes) => Convert.ToHexString(bytes);

    private static void Rule(bool holds)
    {
        if (!holds) throw new FormatException();
    }
}

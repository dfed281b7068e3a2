using Tandem.Coap.Exchanges;
using Tandem.Coap.Limits;
using Tandem.Coap.Tests.Support;
using static Tandem.Coap.Tests.Support.Exchange;

namespace Tandem.Coap.Tests.Limits;

/// <summary>RFC 9175 section 2: who has not proved its address gets nothing done, nothing kept, and no more bytes than it sent.</summary>
public sealed class EchoTests
{
    private static readonly ExchangeSettings Verifying = new() { Transmission = new CoapTransmissionOptions() };

    [Fact]
    public void Section2_3_a_request_is_carried_out_when_it_comes_again_with_what_it_was_challenged_by()
    {
        var end = new Exchange(Verifying);
        CoapMessage challenge = Challenge(end, Long(1));
        Assert.Equal("Acknowledgement 4.01 1 11", Line(challenge));
        Assert.Equal(0, end.Table.Statistics.Peers);
        end.Receive(Long(2, echo: challenge.Options.Echo));
        end.Respond(end.TakeRequest(), Content());
        Assert.Equal("Acknowledgement 2.05 2 11", Line(Assert.Single(end.Sent())));
        // From now on the address is known.
        end.Receive(Long(3));
        end.TakeRequest();
    }

    [Fact]
    public void Section2_3_a_non_confirmable_request_is_challenged_by_a_non_confirmable_response()
    {
        var end = new Exchange(Verifying);
        end.Receive(Long(1, type: CoapType.NonConfirmable));
        CoapMessage challenge = Assert.Single(end.Sent());
        Assert.Equal((CoapType.NonConfirmable, CoapCode.Unauthorized), (challenge.Type, challenge.Code));
        end.Receive(Long(2, type: CoapType.NonConfirmable, echo: challenge.Options.Echo));
        end.TakeRequest();
    }

    [Fact]
    public void A_challenge_is_good_for_its_own_address_and_time_only()
    {
        var echo = new EchoChallenge(new byte[32], TimeSpan.FromSeconds(60));
        byte[] value = echo.Create(Other, TimeSpan.FromSeconds(100));
        Assert.Equal(EchoChallenge.Length, value.Length);
        Assert.True(echo.IsValid(value, Other, TimeSpan.FromSeconds(100)));
        Assert.True(echo.IsValid(value, Other, TimeSpan.FromSeconds(160)));
        Assert.False(echo.IsValid(value, Other, TimeSpan.FromSeconds(161)));
        Assert.False(echo.IsValid(value, Other, TimeSpan.FromSeconds(99)));
        Assert.False(echo.IsValid(value, Other with { Port = 1 }, TimeSpan.FromSeconds(100)));
        Assert.False(echo.IsValid(value, Other with { Address = Other.Address + 1 }, TimeSpan.FromSeconds(100)));
        Assert.False(echo.IsValid(value, Other with { Scope = 1 }, TimeSpan.FromSeconds(100)));
        Assert.False(echo.IsValid(value.AsSpan(1), Other, TimeSpan.FromSeconds(100)));
        Assert.False(new EchoChallenge([1], TimeSpan.FromSeconds(60)).IsValid(value, Other, TimeSpan.FromSeconds(100)));
        for (int bit = 0; bit < 8 * value.Length; bit++)
        {
            byte[] spoilt = [.. value];
            spoilt[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.False(echo.IsValid(spoilt, Other, TimeSpan.FromSeconds(100)));
        }
    }

    [Fact]
    public void A_request_that_was_challenged_and_comes_once_more_after_its_repetition_is_not_carried_out()
    {
        var end = new Exchange(Verifying);
        CoapMessage challenge = Challenge(end, Long(1));
        end.Receive(Long(2, echo: challenge.Options.Echo));
        end.TakeRequest();
        end.Sent();
        end.Receive(Long(1));
        Assert.Empty(end.Events());
        Assert.Equal("Acknowledgement 4.01 1 11", Line(Assert.Single(end.Sent())));
        // A client whose message IDs go another way proves its address once more, and is served.
        CoapMessage again = Challenge(end, Long(ushort.MaxValue));
        end.Receive(Long(0, echo: again.Options.Echo));
        end.TakeRequest();
    }

    [Fact]
    public void Nothing_is_kept_for_100_000_addresses_that_prove_nothing()
    {
        var end = new Exchange(new ExchangeSettings { Transmission = new CoapTransmissionOptions(), RateLimits = new CoapRateLimits { MaxTrackedAddresses = 1000, TotalBurst = 1_000_000 } });
        for (int i = 0; i < 100_000; i++)
        {
            end.Receive(Long((ushort)i), Other with { Address = Other.Address + (UInt128)(i % 60_000), Port = (ushort)i });
            end.Sent();
            if (i % 1000 == 0) end.Advance(0.1);
        }

        Assert.Equal((0, 0, 0, 0), (end.Table.Statistics.Peers, end.Table.Remembered, end.Table.Deadlines, end.Events().Length));
        Assert.InRange(end.Table.TrackedAddresses, 1, 1000);
    }

    [Fact]
    public void An_unproved_address_never_gets_more_bytes_than_it_sent()
    {
        var end = new Exchange(Verifying);
        var random = new Random(3);
        long received = 0, sent = 0;
        for (int i = 0; i < 20_000; i++)
        {
            byte[] datagram = Arbitrary(random, (ushort)i);
            end.Table.Receive(Other with { Port = (ushort)random.Next(1, 65536) }, datagram, end.Now);
            int answer = 0;
            while (end.Table.Outbox.TryDequeue(out Datagram out1)) answer += out1.Bytes.Length;
            Assert.True(answer <= datagram.Length, $"{datagram.Length} bytes were answered by {answer}: {Convert.ToHexString(datagram)}");
            received += datagram.Length;
            sent += answer;
            if (i % 500 == 0) end.Advance(1);
        }

        Assert.Empty(end.Events());
        Assert.InRange(sent, 1, received);
        Assert.True(end.Table.Statistics.Challenges > 1000, "The generator has lost its power.");
        Assert.True(end.Table.Statistics.TooSmallToChallenge > 100, "The generator has lost its power.");
    }

    [Theory]
    [InlineData(1, "Reset 0.00 7")]
    [InlineData(3, "Acknowledgement 4.01 7 11")]
    public void A_request_that_is_shorter_than_its_challenge_is_reset_unless_amplification_is_allowed(int most, string answer)
    {
        var end = new Exchange(new ExchangeSettings { Transmission = new CoapTransmissionOptions(), MaxAmplification = most });
        end.Receive(Request(7));
        Assert.Equal(answer, Line(Assert.Single(end.Sent())));
    }

    [Fact]
    public void The_table_of_peers_has_a_bound_the_longest_quiet_goes_and_who_is_busy_stays()
    {
        var end = new Exchange(new ExchangeSettings { Transmission = new CoapTransmissionOptions(), VerifiesAddresses = false, MaxPeers = 3 });
        end.Receive(Request(1), Other with { Port = 1 });
        end.TakeRequest(); // has no response: busy
        for (ushort port = 2; port <= 10; port++)
        {
            end.Receive(Request(1), Other with { Port = port });
            end.Respond(end.TakeRequest(), Content());
            Assert.InRange(end.Table.Statistics.Peers, 1, 3);
        }

        end.Sent();
        end.Receive(Request(1), Other with { Port = 1 });
        Assert.Empty(end.Events()); // still a duplicate
        end.Receive(Request(1), Other with { Port = 10 });
        Assert.Empty(end.Events());
        end.Receive(Request(1), Other with { Port = 2 });
        end.TakeRequest(); // forgotten
    }

    [Fact]
    public void When_all_peers_are_busy_a_new_one_is_refused_and_so_is_one_too_many_of_an_address()
    {
        var end = new Exchange(new ExchangeSettings { Transmission = new CoapTransmissionOptions(), VerifiesAddresses = false, MaxPeers = 3, MaxPeersPerAddress = 2 });
        end.Receive(Request(1), Other with { Port = 1 });
        end.Receive(Request(1), Other with { Port = 2 });
        end.Sent();
        end.Receive(Request(1), Other with { Port = 3 });
        Assert.Equal("Acknowledgement 5.03 1 11", Line(Assert.Single(end.Sent())));
        end.Receive(Request(1), Other with { Address = Other.Address + 1 });
        Assert.Empty(end.Sent());
        end.Receive(Request(1), Other with { Address = Other.Address + 2 });
        Assert.Equal("Acknowledgement 5.03 1 11", Line(Assert.Single(end.Sent())));
        Assert.Equal(3, end.Events().Length);
    }

    private static CoapMessage Challenge(Exchange end, CoapMessage request)
    {
        end.Receive(request);
        Assert.Empty(end.Events());
        return Assert.Single(end.Sent());
    }

    private static CoapMessage Long(ushort id, ReadOnlyMemory<byte>? echo = null, CoapType type = CoapType.Confirmable)
    {
        CoapMessage message = Request(id, type, path: "a/path/that/is/long");
        message.Options.Echo = echo;
        return message;
    }

    private static byte[] Arbitrary(Random random, ushort id)
    {
        var message = new CoapMessage((CoapType)random.Next(4), new CoapCode((byte)random.Next(random.Next(2) == 0 ? 5 : 256)), id, new CoapToken(new byte[random.Next(9)]))
        {
            Payload = new byte[random.Next(4) == 0 ? random.Next(1000) : 0],
        };
        for (int i = random.Next(5); i > 0; i--) message.Options.Add((CoapOptionNumber)random.Next(random.Next(2) == 0 ? 40 : 400), new byte[random.Next(20)]);
        byte[] datagram = message.ToArray();
        if (random.Next(3) == 0) datagram[random.Next(datagram.Length)] = (byte)random.Next(256);
        return datagram;
    }
}

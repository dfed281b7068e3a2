using System.Net;
using System.Net.Sockets;
using Tandem.WebSockets.EventLoop;

namespace Tandem.WebSockets.Tests.EventLoop;

/// <summary>The tables of a loop: connections by slot with their deadlines, and remote addresses with their counts.</summary>
public sealed class TableTests
{
    [Fact]
    public void A_slot_is_not_used_again_within_the_batch_that_freed_it()
    {
        var table = new ConnectionTable();
        int first = table.Add("a", 10);
        int second = table.Add("b", 20);
        table.Remove(first);
        Assert.Null(table[first]);
        int third = table.Add("c", 30);
        Assert.NotEqual(first, third);
        Assert.Equal(("b", "c", 2), (table[second], table[third], table.Count));
        table.EndBatch();
        Assert.Equal(first, table.Add("d", 40));
        Assert.Equal(3, table.End);
    }

    [Fact]
    public void Random_use_agrees_with_a_dictionary()
    {
        var random = new Random(5);
        var table = new ConnectionTable();
        var twin = new Dictionary<int, (object Connection, long Due)>();
        var freed = new HashSet<int>();
        for (int i = 0; i < 20_000; i++)
        {
            int slot = twin.Count == 0 ? 0 : twin.Keys.ElementAt(random.Next(Math.Min(twin.Count, 50)));
            switch (random.Next(twin.Count < 3_000 ? 6 : 3)) // more than one block of them
            {
                case 0 when twin.Count > 0:
                    table.Remove(slot);
                    twin.Remove(slot);
                    freed.Add(slot);
                    break;
                case 1 when twin.Count > 0:
                    twin[slot] = (twin[slot].Connection, random.Next(1000));
                    table.SetDue(slot, twin[slot].Due);
                    break;
                case 2:
                    table.EndBatch();
                    freed.Clear();
                    break;
                default:
                    var connection = new object();
                    long due = random.Next(3) == 0 ? ConnectionTable.Never : random.Next(1000);
                    int added = table.Add(connection, due);
                    Assert.DoesNotContain(added, freed);
                    twin.Add(added, (connection, due));
                    break;
            }

            Assert.Equal(twin.Count, table.Count);
            if (i % 100 != 0) continue;
            int now = random.Next(1000);
            List<int> found = [];
            for (int next = table.NextDue(0, now); next >= 0; next = table.NextDue(next + 1, now)) found.Add(next);
            Assert.Equal(twin.Where(entry => entry.Value.Due <= now).Select(entry => entry.Key).Order(), found);
            Assert.All(twin, entry => Assert.Same(entry.Value.Connection, table[entry.Key]));
        }

        Assert.InRange(table.End, 2_000, 4_000);
    }

    [Theory]
    [InlineData("127.0.0.1", 80, "127.0.0.1")]
    [InlineData("255.254.253.252", 65535, "255.254.253.252")]
    [InlineData("::1", 1, "::1")]
    [InlineData("2001:db8::ff", 8080, "2001:db8::ff")]
    [InlineData("::ffff:10.1.2.3", 443, "10.1.2.3")]
    public void Addresses_are_read_as_the_kernel_writes_them(string text, int port, string expected)
    {
        var endPoint = new IPEndPoint(IPAddress.Parse(text), port);
        SocketAddress address = endPoint.Serialize();
        byte[] bytes = new byte[Libc.MaxAddressLength];
        address.Buffer.Span[..address.Size].CopyTo(bytes);
        UInt128 key = AddressTable.KeyOf(bytes, out ushort read);
        Assert.Equal(port, read);
        Assert.Equal(expected, new RemoteAddress(key).Address.ToString());
    }

    [Fact]
    public void Both_spellings_of_an_IPv4_address_count_together_and_an_address_without_connections_is_forgotten()
    {
        static UInt128 Key(string text)
        {
            SocketAddress address = new IPEndPoint(IPAddress.Parse(text), 1).Serialize();
            byte[] bytes = new byte[Libc.MaxAddressLength];
            address.Buffer.Span[..address.Size].CopyTo(bytes);
            return AddressTable.KeyOf(bytes, out _);
        }

        var table = new AddressTable();
        RemoteAddress four = table.Enter(Key("10.0.0.1"));
        Assert.Same(four, table.Enter(Key("::ffff:10.0.0.1")));
        Assert.Equal(2, four.Connections);
        Assert.NotSame(four, table.Enter(Key("10.0.0.2")));
        table.Leave(four);
        Assert.Same(four, table.Enter(Key("10.0.0.1")));
        table.Leave(four);
        table.Leave(four);
        Assert.Equal(0, four.Connections);
        Assert.NotSame(four, table.Enter(Key("10.0.0.1")));
    }

    [Fact]
    public void The_families_are_those_of_the_system()
    {
        Assert.Equal(Libc.AddressFamilyInet, BitConverter.ToUInt16(new IPEndPoint(IPAddress.Loopback, 1).Serialize().Buffer.Span));
        Assert.Equal(Libc.AddressFamilyInet6, BitConverter.ToUInt16(new IPEndPoint(IPAddress.IPv6Loopback, 1).Serialize().Buffer.Span));
        Assert.Equal(AddressFamily.InterNetwork, new RemoteAddress(new UInt128(0, 0xFFFF_7F00_0001)).Address.AddressFamily);
    }
}

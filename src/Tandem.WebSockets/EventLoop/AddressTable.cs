using System.Buffers.Binary;
using System.Net;
using System.Runtime.InteropServices;

namespace Tandem.WebSockets.EventLoop;

/// <summary>One remote address and how many connections it has. Shared by all of them, so that each holds one reference instead of an address.</summary>
internal sealed class RemoteAddress(UInt128 key)
{
    private IPAddress? _address;

    public UInt128 Key { get; } = key;

    public int Connections { get; set; }

    public IPAddress Address => _address ??= ToAddress();

    /// <summary>The entry for an address that is not counted.</summary>
    public static RemoteAddress Of(IPAddress address) => new(AddressTable.KeyOf(address));

    private IPAddress ToAddress()
    {
        Span<byte> bytes = stackalloc byte[16];
        BinaryPrimitives.WriteUInt128BigEndian(bytes, Key);
        var address = new IPAddress(bytes);
        return address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
    }
}

/// <summary>Counts connections by remote address, for all loops of a server. Touched once when a connection comes and once when it goes.</summary>
internal sealed class AddressTable
{
    private readonly Lock _lock = new();
    private readonly Dictionary<UInt128, RemoteAddress> _addresses = [];

    public RemoteAddress Enter(UInt128 key)
    {
        lock (_lock)
        {
            ref RemoteAddress? entry = ref CollectionsMarshal.GetValueRefOrAddDefault(_addresses, key, out _);
            entry ??= new RemoteAddress(key);
            entry.Connections++;
            return entry;
        }
    }

    public void Leave(RemoteAddress address)
    {
        lock (_lock)
        {
            if (--address.Connections == 0) _addresses.Remove(address.Key);
        }
    }

    /// <summary>An address as a number; IPv4 becomes its mapped form.</summary>
    public static UInt128 KeyOf(IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        address.MapToIPv6().TryWriteBytes(bytes, out _);
        return BinaryPrimitives.ReadUInt128BigEndian(bytes);
    }

    /// <summary>Reads a sockaddr_in or sockaddr_in6; IPv4 becomes its mapped form, so that both spellings of an address count together.</summary>
    public static UInt128 KeyOf(ReadOnlySpan<byte> address, out ushort port)
    {
        port = BinaryPrimitives.ReadUInt16BigEndian(address[2..]);
        return MemoryMarshal.Read<ushort>(address) == Libc.AddressFamilyInet6
            ? BinaryPrimitives.ReadUInt128BigEndian(address[8..])
            : new UInt128(0, 0xFFFF_0000_0000UL | BinaryPrimitives.ReadUInt32BigEndian(address[4..]));
    }
}

using System.Buffers.Binary;
using System.Net;

namespace Tandem.Coap.Exchanges;

/// <summary>An endpoint's address (RFC 7252 section 1.2) as a value: IPv4 in its mapped form, so that both spellings are one.</summary>
internal readonly record struct CoapAddress(UInt128 Address, ushort Port, uint Scope)
{
    private const ulong MappedIPv4 = 0xFFFF_0000_0000;

    /// <summary>What limits are counted by: an IPv4 address; of IPv6 the first 64 bits, within which a host takes any address that it likes.</summary>
    public UInt128 Prefix => Address >> 32 == MappedIPv4 >> 32 ? Address : (Address >> 64) << 64;

    public static CoapAddress From(IPEndPoint endPoint)
    {
        Span<byte> bytes = stackalloc byte[16];
        endPoint.Address.MapToIPv6().TryWriteBytes(bytes, out _);
        uint scope = endPoint.Address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6 ? (uint)endPoint.Address.ScopeId : 0;
        return new CoapAddress(BinaryPrimitives.ReadUInt128BigEndian(bytes), (ushort)endPoint.Port, scope);
    }

    public IPEndPoint ToEndPoint()
    {
        Span<byte> bytes = stackalloc byte[16];
        BinaryPrimitives.WriteUInt128BigEndian(bytes, Address);
        var address = new IPAddress(bytes, Scope);
        return new IPEndPoint(address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address, Port);
    }

    public override string ToString() => ToEndPoint().ToString();
}

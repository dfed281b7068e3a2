using System.Buffers.Binary;
using System.Net;

namespace Tandem.Coap.Exchanges;

/// <summary>
/// An endpoint's address (RFC 7252 section 1.2) as a value: IPv4 in its mapped form, so that both spellings are one. With it goes the own address that it speaks with, where there
/// are several: to the other end these are different peers, with message IDs of their own.
/// </summary>
internal readonly record struct CoapAddress(UInt128 Address, ushort Port, uint Scope)
{
    private const ulong MappedIPv4 = 0xFFFF_0000_0000;

    /// <summary>The own address that is to be sent from; 0: as the system chooses.</summary>
    public UInt128 Local { get; init; }

    /// <summary>What limits are counted by: an IPv4 address; of IPv6 the first 64 bits, within which a host takes any address that it likes.</summary>
    public UInt128 Prefix => Address >> 32 == MappedIPv4 >> 32 ? Address : (Address >> 64) << 64;

    public static CoapAddress From(IPEndPoint endPoint, IPAddress? local = null)
    {
        uint scope = endPoint.Address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6 ? (uint)endPoint.Address.ScopeId : 0;
        return new CoapAddress(ToNumber(endPoint.Address), (ushort)endPoint.Port, scope) { Local = local is null ? default : ToNumber(local) };
    }

    public IPEndPoint ToEndPoint()
    {
        Span<byte> bytes = stackalloc byte[16];
        BinaryPrimitives.WriteUInt128BigEndian(bytes, Address);
        var address = new IPAddress(bytes, Scope);
        return new IPEndPoint(address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address, Port);
    }

    public override string ToString() => ToEndPoint().ToString();

    private static UInt128 ToNumber(IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        address.MapToIPv6().TryWriteBytes(bytes, out _);
        return BinaryPrimitives.ReadUInt128BigEndian(bytes);
    }
}

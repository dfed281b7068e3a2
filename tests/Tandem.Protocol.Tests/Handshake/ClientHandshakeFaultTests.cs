using System.Diagnostics;
using Tandem.Protocol.Handshake;

namespace Tandem.Protocol.Tests.Handshake;

/// <summary>The table from a broken rule to words.</summary>
public sealed class ClientHandshakeFaultTests
{
    public static TheoryData<ClientHandshakeFault> Faults => [.. Enum.GetValues<ClientHandshakeFault>()[1..]];

    [Theory]
    [MemberData(nameof(Faults))]
    public void Every_fault_names_its_section(ClientHandshakeFault fault) => Assert.Matches(@"^[ -~]+ \(RFC \d+ section [\d.]+\)$", fault.Text());

    [Fact]
    public void What_is_no_fault_has_no_text() => Assert.Throws<UnreachableException>(() => ClientHandshakeFault.None.Text());
}

namespace Tandem.Coap;

/// <summary>What each <see cref="CoapFault"/> means to a reader of logs.</summary>
public static class CoapFaults
{
    private static readonly (string Section, string Text)[] Table =
    [
        ("", "nothing is wrong"),
        ("3", "the datagram is shorter than a header"),
        ("4.6", "the datagram is longer than this end takes"),
        ("3", "the version is not 1"),
        ("3", "the token length is reserved"),
        ("3", "the token is truncated"),
        ("4.1", "an empty message has content"),
        ("4.2", "the class of the code is reserved"),
        ("4.2", "an acknowledgement carries a request"),
        ("4.3", "a non-confirmable message is empty"),
        ("4.2", "a reset is not empty"),
        ("3.1", "the option delta is reserved"),
        ("3.1", "the option length is reserved"),
        ("3.1", "an option is truncated"),
        ("3.1", "the option number is above 65535"),
        ("11.1", "there are more options than this end takes"),
        ("3", "nothing follows the payload marker"),
    ];

    /// <summary>One clause that says what is wrong.</summary>
    /// <param name="fault">Any member.</param>
    /// <returns>For example "the version is not 1".</returns>
    public static string Text(this CoapFault fault) => Table[(int)fault].Text;

    /// <summary>The section of RFC 7252 that has the rule.</summary>
    /// <param name="fault">Any member.</param>
    /// <returns>For example "3.1".</returns>
    public static string Section(this CoapFault fault) => Table[(int)fault].Section;
}

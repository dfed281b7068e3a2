using System.Text.Unicode;

namespace Tandem.Coap.Messages;

/// <summary>
/// Which options are understood, how long their values may be and which may be repeated: table 4 of RFC 7252 section 5.10, and those of RFC 7641, 7959 and 9175.
/// A value of a wrong length, a value that is not UTF-8 where it must be, and one too many are all treated like an option that is not understood (sections 5.4.3 and 5.4.5).
/// </summary>
internal static class OptionRules
{
    private const int UnknownOption = -1;

    /// <summary>Removes the elective options that are to be ignored (section 5.4.1).</summary>
    /// <returns>A critical one that is not understood, or null.</returns>
    public static CoapOptionNumber? Judge(CoapMessage message)
    {
        CoapOptionSet options = message.Options;
        CoapOptionNumber previous = CoapOptionNumber.None;
        for (int i = 0; i < options.Count; i++)
        {
            CoapOption option = options.At(i);
            bool isRepeated = option.Number == previous;
            previous = option.Number;
            if (IsUnderstood(option, isRepeated, message.Code.IsRequest)) continue;
            if (IsCritical(option.Number)) return option.Number;
            options.RemoveAt(i--);
        }

        return null;
    }

    /// <summary>Section 5.4.6: the lowest bit.</summary>
    public static bool IsCritical(CoapOptionNumber number) => ((int)number & 1) != 0;

    /// <summary>Section 5.4.6: not a part of what makes two requests the same.</summary>
    public static bool IsNoCacheKey(CoapOptionNumber number) => ((int)number & 0x1E) == 0x1C;

    private static bool IsUnderstood(CoapOption option, bool isRepeated, bool isRequest)
    {
        (int least, int most, bool isRepeatable, bool isText) = RuleOf(option.Number, isRequest);
        return most != UnknownOption && option.Value.Length >= least && option.Value.Length <= most && (isRepeatable || !isRepeated)
            && (!isText || Utf8.IsValid(option.Value.Span));
    }

    private static (int Least, int Most, bool IsRepeatable, bool IsText) RuleOf(CoapOptionNumber number, bool isRequest) => number switch
    {
        CoapOptionNumber.IfMatch => (0, 8, true, false),
        CoapOptionNumber.UriHost => (1, 255, false, true),
        CoapOptionNumber.ETag => (1, 8, isRequest, false), // section 5.10.6: a response names the one that it carries
        CoapOptionNumber.IfNoneMatch => (0, 0, false, false),
        CoapOptionNumber.Observe => (0, 3, false, false),
        CoapOptionNumber.UriPort => (0, 2, false, false),
        CoapOptionNumber.LocationPath => (0, 255, true, true),
        CoapOptionNumber.UriPath => (0, 255, true, true),
        CoapOptionNumber.ContentFormat => (0, 2, false, false),
        CoapOptionNumber.MaxAge => (0, 4, false, false),
        CoapOptionNumber.UriQuery => (0, 255, true, true),
        CoapOptionNumber.Accept => (0, 2, false, false),
        CoapOptionNumber.LocationQuery => (0, 255, true, true),
        CoapOptionNumber.Block2 => (0, 3, false, false),
        CoapOptionNumber.Block1 => (0, 3, false, false),
        CoapOptionNumber.Size2 => (0, 4, false, false),
        CoapOptionNumber.ProxyUri => (1, 1034, false, true),
        CoapOptionNumber.ProxyScheme => (1, 255, false, true),
        CoapOptionNumber.Size1 => (0, 4, false, false),
        CoapOptionNumber.Echo => (1, 40, false, false),
        CoapOptionNumber.RequestTag => (0, 8, true, false),
        _ => (0, UnknownOption, false, false),
    };
}

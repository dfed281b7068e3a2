using System.Globalization;
using Tandem.Protocol.Compression;

namespace Tandem.Fuzz.Tests.Extensions;

/// <summary>The twin of the negotiation of permessage-deflate: RFC 7692 sections 5 and 7.1, rule by rule over strings.</summary>
internal static class NaiveNegotiation
{
    /// <summary>What a server agrees on; null when it accepts no offer.</summary>
    public static DeflateParameters? Accept(IEnumerable<NaiveExtension> offers, DeflateOptions options)
    {
        NaiveExtension? offer = offers.FirstOrDefault(extension => extension.Name == "permessage-deflate" && IsValid(extension, isAnswer: false));
        if (offer is null) return null;
        bool mentionsClient = Has(offer, "client_max_window_bits");
        return new DeflateParameters(
            Has(offer, "server_no_context_takeover") || options.ServerNoContextTakeover,
            Has(offer, "client_no_context_takeover") || options.ClientNoContextTakeover,
            Math.Min(Bits(offer, "server_max_window_bits"), options.ServerMaxWindowBits),
            mentionsClient ? Math.Min(Bits(offer, "client_max_window_bits"), options.ClientMaxWindowBits) : 15);
    }

    /// <summary>Whether a client can go on with an answer, and what is agreed on then.</summary>
    public static bool TryReadAnswer(List<NaiveExtension> answers, DeflateOptions options, out DeflateParameters? parameters)
    {
        parameters = null;
        if (answers.Count == 0) return true;
        if (answers.Count > 1 || answers[0].Name != "permessage-deflate" || !IsValid(answers[0], isAnswer: true)) return false;
        NaiveExtension answer = answers[0];
        if (options.ServerNoContextTakeover && !Has(answer, "server_no_context_takeover")) return false;
        if (Bits(answer, "server_max_window_bits") > options.ServerMaxWindowBits) return false;
        if (Has(answer, "client_max_window_bits") && Bits(answer, "client_max_window_bits") > options.ClientMaxWindowBits) return false;
        parameters = new DeflateParameters(
            Has(answer, "server_no_context_takeover"),
            Has(answer, "client_no_context_takeover") || options.ClientNoContextTakeover,
            Bits(answer, "server_max_window_bits"),
            Math.Min(Bits(answer, "client_max_window_bits"), options.ClientMaxWindowBits));
        return true;
    }

    private static bool IsValid(NaiveExtension extension, bool isAnswer) =>
        extension.Parameters.Select(parameter => parameter.Name).Distinct().Count() == extension.Parameters.Count
        && extension.Parameters.All(parameter => parameter.Name switch
        {
            "server_no_context_takeover" or "client_no_context_takeover" => parameter.Value is null,
            "server_max_window_bits" => IsBits(parameter.Value),
            "client_max_window_bits" => IsBits(parameter.Value) || (parameter.Value is null && !isAnswer),
            _ => false,
        });

    private static bool IsBits(string? value) => value is "8" or "9" or "10" or "11" or "12" or "13" or "14" or "15";

    private static bool Has(NaiveExtension extension, string name) => extension.Parameters.Exists(parameter => parameter.Name == name);

    private static int Bits(NaiveExtension extension, string name) =>
        extension.Parameters.Find(parameter => parameter.Name == name).Value is { } value ? int.Parse(value, CultureInfo.InvariantCulture) : 15;
}

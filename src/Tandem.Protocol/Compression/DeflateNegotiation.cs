using System.Text;
using Tandem.Protocol.Handshake;

namespace Tandem.Protocol.Compression;

/// <summary>
/// The negotiation of permessage-deflate (RFC 7692 sections 5 and 7.1). A server goes through the offers in the client's order of
/// preference, declines each that is malformed, and accepts the first that is not. A client fails the connection over an answer that
/// is malformed or goes beyond its offer.
/// </summary>
public static class DeflateNegotiation
{
    /// <summary>The extension's registered name.</summary>
    public const string Name = "permessage-deflate";

    private const string ServerNoContextTakeover = "server_no_context_takeover";
    private const string ClientNoContextTakeover = "client_no_context_takeover";
    private const string ServerMaxWindowBits = "server_max_window_bits";
    private const string ClientMaxWindowBits = "client_max_window_bits";

    /// <summary>Accepts the first acceptable offer of a request.</summary>
    /// <param name="head">The request, whose extension lists are well formed (<see cref="UpgradeRequest.Judge"/>).</param>
    /// <param name="options">What the server grants.</param>
    /// <param name="parameters">What is agreed on.</param>
    /// <returns>The value of Sec-WebSocket-Extensions for the answer; null when no offer can be accepted, which is no error (section 5).</returns>
    public static string? Accept(in HttpHead head, DeflateOptions options, out DeflateParameters parameters)
    {
        for (int i = head.Find("Sec-WebSocket-Extensions"u8); i >= 0; i = head.Find("Sec-WebSocket-Extensions"u8, i + 1))
        {
            var reader = new ExtensionReader(head.Value(i));
            ExtensionToken token = reader.Read();
            while (token == ExtensionToken.Extension)
            {
                bool ours = Ascii.Equals(reader.Name, Name);
                ParameterSet offer = ParameterSet.Read(ref reader, isAnswer: false, out token);
                if (ours && offer.IsValid) return Grant(in offer, options, out parameters);
            }
        }

        parameters = default;
        return null;
    }

    /// <summary>A client's offer.</summary>
    /// <param name="options">What the client wants.</param>
    /// <returns>The value of Sec-WebSocket-Extensions for the request.</returns>
    public static string Offer(DeflateOptions options)
    {
        var offer = new StringBuilder(Name);
        if (options.ServerNoContextTakeover) offer.Append("; ").Append(ServerNoContextTakeover);
        if (options.ClientNoContextTakeover) offer.Append("; ").Append(ClientNoContextTakeover);
        if (options.ServerMaxWindowBits != DeflateParameters.MaxWindowBits) offer.Append("; ").Append(ServerMaxWindowBits).Append('=').Append(options.ServerMaxWindowBits);
        offer.Append("; ").Append(ClientMaxWindowBits); // section 7.1.2.2: without it the server could not limit this end
        if (options.ClientMaxWindowBits != DeflateParameters.MaxWindowBits) offer.Append('=').Append(options.ClientMaxWindowBits);
        return offer.ToString();
    }

    /// <summary>Judges a server's answer to <see cref="Offer"/>.</summary>
    /// <param name="head">The answer.</param>
    /// <param name="options">What the client offered.</param>
    /// <param name="parameters">What is agreed on; null when the server declined.</param>
    /// <returns>False when the client must fail the connection (sections 5 and 7.1).</returns>
    public static bool TryReadAnswer(in HttpHead head, DeflateOptions options, out DeflateParameters? parameters)
    {
        parameters = null;
        for (int i = head.Find("Sec-WebSocket-Extensions"u8); i >= 0; i = head.Find("Sec-WebSocket-Extensions"u8, i + 1))
        {
            var reader = new ExtensionReader(head.Value(i));
            ExtensionToken token = reader.Read();
            while (token == ExtensionToken.Extension)
            {
                // Once only, and nothing that was not offered.
                if (!Ascii.Equals(reader.Name, Name) || parameters is not null) return false;
                ParameterSet answer = ParameterSet.Read(ref reader, isAnswer: true, out token);
                if (!answer.IsValid) return false;
                // Section 7.1.1.1: a server that was asked to forget must say that it does. 7.1.2.1: and not take a larger window than asked for.
                if (options.ServerNoContextTakeover && !answer.ServerNoContextTakeover) return false;
                if (options.ServerMaxWindowBits < DeflateParameters.MaxWindowBits && (answer.ServerBits == 0 || answer.ServerBits > options.ServerMaxWindowBits)) return false;
                if (answer.ClientBits > options.ClientMaxWindowBits) return false;
                parameters = new DeflateParameters(
                    answer.ServerNoContextTakeover,
                    answer.ClientNoContextTakeover || options.ClientNoContextTakeover,
                    answer.ServerBits == 0 ? DeflateParameters.MaxWindowBits : answer.ServerBits,
                    answer.ClientBits == 0 ? options.ClientMaxWindowBits : answer.ClientBits);
            }

            if (token == ExtensionToken.Invalid) return false;
        }

        return true;
    }

    private static string Grant(in ParameterSet offer, DeflateOptions options, out DeflateParameters parameters)
    {
        int serverBits = Math.Min(offer.ServerBits == 0 ? DeflateParameters.MaxWindowBits : offer.ServerBits, options.ServerMaxWindowBits);
        // Section 7.1.2.2: a client that does not mention its window must not be told to limit it.
        int clientBits = !offer.MentionsClientBits ? DeflateParameters.MaxWindowBits
            : Math.Min(offer.ClientBits == 0 ? DeflateParameters.MaxWindowBits : offer.ClientBits, options.ClientMaxWindowBits);
        parameters = new DeflateParameters(
            offer.ServerNoContextTakeover || options.ServerNoContextTakeover,
            offer.ClientNoContextTakeover || options.ClientNoContextTakeover,
            serverBits,
            clientBits);

        var answer = new StringBuilder(Name);
        if (parameters.ServerNoContextTakeover) answer.Append("; ").Append(ServerNoContextTakeover);
        if (parameters.ClientNoContextTakeover) answer.Append("; ").Append(ClientNoContextTakeover);
        if (serverBits != DeflateParameters.MaxWindowBits || offer.ServerBits != 0) answer.Append("; ").Append(ServerMaxWindowBits).Append('=').Append(serverBits);
        if (clientBits != DeflateParameters.MaxWindowBits) answer.Append("; ").Append(ClientMaxWindowBits).Append('=').Append(clientBits);
        return answer.ToString();
    }

    /// <summary>The parameters of one offer or answer, as they are written.</summary>
    private struct ParameterSet
    {
        public bool IsValid;
        public bool ServerNoContextTakeover;
        public bool ClientNoContextTakeover;
        public bool MentionsClientBits;
        public int ServerBits; // 0: not given
        public int ClientBits; // 0: not given, or without a value

        /// <summary>Reads up to the next extension or the end.</summary>
        public static ParameterSet Read(ref ExtensionReader reader, bool isAnswer, out ExtensionToken next)
        {
            var set = new ParameterSet { IsValid = true };
            while ((next = reader.Read()) == ExtensionToken.Parameter) set.IsValid &= set.Add(reader.Name, reader.Value, isAnswer);
            return set;
        }

        // Section 7.1: unknown names, values that are out of range or out of place, and repeated names make the whole set invalid.
        private bool Add(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value, bool isAnswer)
        {
            if (Ascii.Equals(name, DeflateNegotiation.ServerNoContextTakeover))
            {
                bool first = !ServerNoContextTakeover;
                ServerNoContextTakeover = true;
                return first && value.IsEmpty;
            }

            if (Ascii.Equals(name, DeflateNegotiation.ClientNoContextTakeover))
            {
                bool first = !ClientNoContextTakeover;
                ClientNoContextTakeover = true;
                return first && value.IsEmpty;
            }

            if (Ascii.Equals(name, ServerMaxWindowBits)) return ServerBits == 0 && TryReadBits(value, out ServerBits);

            if (!Ascii.Equals(name, ClientMaxWindowBits) || MentionsClientBits) return false;
            MentionsClientBits = true;
            return (value.IsEmpty && !isAnswer) || TryReadBits(value, out ClientBits); // only an offer may leave the value out (section 7.1.2.2)
        }

        // "a decimal integer value without leading zeroes between 8 to 15 inclusive"
        private static bool TryReadBits(ReadOnlySpan<byte> value, out int bits)
        {
            bits = value.Length switch
            {
                1 when value[0] is (byte)'8' or (byte)'9' => value[0] - '0',
                2 when value[0] == '1' && value[1] is >= (byte)'0' and <= (byte)'5' => 10 + value[1] - '0',
                _ => 0,
            };
            return bits != 0;
        }
    }
}

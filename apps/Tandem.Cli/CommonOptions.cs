using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Net;

namespace Tandem.Cli;

/// <summary>Options that several commands have, with their checks: a bad value is one line on standard error and exit code 1.</summary>
internal static class CommonOptions
{
    public static Option<int> Port(int preset)
    {
        var option = new Option<int>("--port") { Description = "TCP port to listen on; 0 lets the system choose.", DefaultValueFactory = _ => preset };
        option.Validators.Add(result => CheckRange(result, 0, ushort.MaxValue));
        return option;
    }

    public static Option<IPAddress> Host() => new("--host")
    {
        Description = "Address to listen on; 0.0.0.0 or :: for all.",
        DefaultValueFactory = _ => IPAddress.Loopback,
        CustomParser = result =>
        {
            string text = result.Tokens[0].Value;
            if (text == "localhost") return IPAddress.Loopback;
            if (IPAddress.TryParse(text, out IPAddress? address)) return address;
            result.AddError($"--host: '{text}' is not an IP address.");
            return null;
        },
    };

    public static Argument<Uri> Url() => new("url")
    {
        Description = "Where to connect: ws://HOST[:PORT]/PATH or wss://...",
        CustomParser = result => ReadUrl(result, url => url.Scheme is "ws" or "wss", text => $"'{text}' is not a ws:// or wss:// URL."),
    };

    /// <summary>How long a program whose input is a pipe goes on after the end of it.</summary>
    public static Option<double> Wait(string before) => new("--wait")
    {
        Description = $"Seconds to go on receiving after the end of piped input, before {before}.",
        DefaultValueFactory = _ => 1,
        CustomParser = result =>
        {
            string text = result.Tokens[0].Value;
            bool parsed = double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double seconds);
            if (!parsed || seconds > 86_400) result.AddError($"--wait: '{text}' is not a number of seconds from 0 to 86400.");
            return seconds;
        },
    };

    public static Option<bool> Drafts() => new("--drafts")
    {
        Description = "Speak the drafts before RFC 6455 too, for clients of 2009 to 2011: hixie-75, hixie-76 and hybi-07 to -12.",
    };

    public static Option<bool> NoDeflateOffer() => new("--no-deflate") { Description = "Do not offer permessage-deflate." };

    /// <summary>Reads the value of an option or argument that takes one URL.</summary>
    /// <param name="result">The value.</param>
    /// <param name="isFit">Whether a URL is one of those that are asked for.</param>
    /// <param name="describe">The error for what is none of them.</param>
    public static Uri? ReadUrl(ArgumentResult result, Func<Uri, bool> isFit, Func<string, string> describe)
    {
        string text = result.Tokens[0].Value;
        if (Uri.TryCreate(text, UriKind.Absolute, out Uri? url) && isFit(url)) return url;
        result.AddError(describe(text));
        return null;
    }

    public static void CheckRange(OptionResult result, int least, int most)
    {
        if (result.Tokens.Count != 1) return; // left out: the default is in range
        string text = result.Tokens[0].Value;
        if (!int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int value) || value < least || value > most)
        {
            result.AddError($"{result.Option.Name}: '{text}' is not a number from {least} to {most}.");
        }
    }
}

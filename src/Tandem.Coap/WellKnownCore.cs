using System.Text;

namespace Tandem.Coap;

/// <summary>The list of resources (RFC 6690, RFC 7252 section 7.2). Prefixes are left out: what is below them is the application's to tell.</summary>
internal static class WellKnownCore
{
    public const string Path = ".well-known/core";

    public static CoapResponse Answer(CoapRequest request, IEnumerable<CoapResource> resources)
    {
        if (request.Method != CoapCode.Get) return new CoapResponse(CoapCode.MethodNotAllowed);
        var links = new StringBuilder();
        foreach (CoapResource resource in resources.Where(resource => !resource.IsPrefix && resource.Path != Path).OrderBy(resource => resource.Path, StringComparer.Ordinal))
        {
            if (links.Length > 0) links.Append(',');
            links.Append("</").Append(resource.Path).Append('>');
            if (resource.Options.IsObservable) links.Append(";obs"); // RFC 7641 section 6
        }

        return new CoapResponse(CoapCode.Content) { Payload = Encoding.UTF8.GetBytes(links.ToString()), ContentFormat = CoapContentFormat.LinkFormat };
    }
}

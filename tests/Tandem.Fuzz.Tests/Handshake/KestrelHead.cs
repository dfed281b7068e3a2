using System.Buffers;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core.Internal.Http;

namespace Tandem.Fuzz.Tests.Handshake;

/// <summary>What Kestrel's HTTP/1.1 parser makes of a head.</summary>
internal sealed class KestrelHead : IHttpRequestLineHandler, IHttpHeadersHandler
{
    private static readonly HttpParser<KestrelHead> Parser = new();

    public List<(string Name, string Value)> Fields { get; } = [];

    /// <summary>The head, or null when Kestrel refuses it or wants more.</summary>
    public static KestrelHead? Parse(byte[] bytes)
    {
        var head = new KestrelHead();
        var reader = new SequenceReader<byte>(new ReadOnlySequence<byte>(bytes));
        try
        {
            return Parser.ParseRequestLine(head, ref reader) && Parser.ParseHeaders(head, ref reader) ? head : null;
        }
        catch (BadHttpRequestException)
        {
            return null;
        }
    }

    public void OnStartLine(HttpVersionAndMethod versionAndMethod, TargetOffsetPathLength targetPath, Span<byte> startLine)
    {
    }

    public void OnHeader(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value) => Fields.Add((Encoding.Latin1.GetString(name), Encoding.Latin1.GetString(value)));

    public void OnHeadersComplete(bool endStream)
    {
    }

    public void OnStaticIndexedHeader(int index) => throw new NotSupportedException();

    public void OnStaticIndexedHeader(int index, ReadOnlySpan<byte> value) => throw new NotSupportedException();
}

using Tandem.Fuzz.Tests.Coap;
using Tandem.Fuzz.Tests.Compression;
using Tandem.Fuzz.Tests.Drafts;
using Tandem.Fuzz.Tests.EventLoop;
using Tandem.Fuzz.Tests.Extensions;
using Tandem.Fuzz.Tests.FrameStreams;
using Tandem.Fuzz.Tests.Handshake;

namespace Tandem.Fuzz.Tests;

/// <summary>The targets, one after the other: each keeps all cores busy for its share of the time.</summary>
public sealed class FuzzTests
{
    [Fact]
    public Task Frame_streams_against_the_BCL_and_a_naive_reader() => new FrameStreamFuzzer().RunAsync();

    [Fact]
    public Task The_event_loop_against_the_stream_driver() => new EventLoopFuzzer().RunWithServerAsync();

    [Fact]
    public Task Extension_headers_against_a_naive_parser_and_negotiation() => new ExtensionFuzzer().RunAsync();

    [Fact]
    public Task Requests_against_a_naive_parser_and_Kestrels() => new RequestFuzzer().RunAsync();

    [Fact]
    public Task Responses_against_a_naive_parser() => new ResponseFuzzer().RunAsync();

    [Fact]
    public Task Compressed_messages_against_a_naive_decompressor_and_DeflateStream() => new InboundDeflateFuzzer().RunAsync();

    [Fact]
    public Task Compression_against_DeflateStream() => new OutboundDeflateFuzzer().RunAsync();

    [Fact]
    public Task The_translation_of_hixie_against_a_naive_reader() => new HixieFuzzer().RunAsync();

    [Fact]
    public Task CoAP_messages_against_a_naive_reader() => new CoapMessageFuzzer().RunAsync();

    [Fact]
    public Task CoAP_servers_against_whatever_comes() => new CoapServerFuzzer().RunWithServersAsync();
}

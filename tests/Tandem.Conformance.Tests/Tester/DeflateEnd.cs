using System.Globalization;
using System.IO.Compression;

namespace Tandem.Conformance.Tests.Tester;

/// <summary>The parameters of one offer or answer of permessage-deflate (RFC 7692 section 7.1), read with a split and nothing clever.</summary>
public sealed class DeflateAgreement
{
    private readonly Dictionary<string, string?> _parameters;

    public DeflateAgreement(string extension)
    {
        string[] parts = extension.Split(';', StringSplitOptions.TrimEntries);
        Assert.Equal("permessage-deflate", parts[0]);
        _parameters = parts.Skip(1).Select(part => part.Split('=')).ToDictionary(part => part[0], part => part.Length == 1 ? null : part[1]);
    }

    public IEnumerable<string> Names => _parameters.Keys;

    public bool Has(string name) => _parameters.ContainsKey(name);

    /// <summary>The window: 15 where nothing is said.</summary>
    public int Bits(string name) => _parameters.TryGetValue(name, out string? value) && value is not null ? int.Parse(value, CultureInfo.InvariantCulture) : 15;

    /// <summary>The tester's end of a connection with this agreement.</summary>
    public DeflateEnd End(bool isClient)
    {
        (string mine, string theirs) = isClient ? ("client", "server") : ("server", "client");
        return new DeflateEnd(
            Bits($"{mine}_max_window_bits"), !Has($"{mine}_no_context_takeover"), Bits($"{theirs}_max_window_bits"), !Has($"{theirs}_no_context_takeover"));
    }
}

/// <summary>
/// The tester's end of a compressed connection. It inflates with the base class library and with a naive inflater that knows every distance;
/// it compresses with the library, or, where the window is smaller, by a compressor of its own that uses the window to its last byte.
/// </summary>
/// <param name="sendBits">The window of what it compresses.</param>
/// <param name="sendKeeps">Whether a message may refer to those before.</param>
/// <param name="receiveBits">The window that the subject may use.</param>
/// <param name="receiveKeeps">Whether the subject may refer to messages before.</param>
public sealed class DeflateEnd(int sendBits, bool sendKeeps, int receiveBits, bool receiveKeeps) : IDisposable
{
    private static readonly byte[] Tail = [0, 0, 0xFF, 0xFF];

    private readonly List<byte> _history = [];
    private readonly Dictionary<int, int> _triples = [];
    private MemoryStream _compressed = new();
    private DeflateStream? _deflate;
    private Feed _feed = new();
    private DeflateStream? _inflate;
    private DeflateDistances _distances = new();

    /// <summary>A compressed message, without the tail.</summary>
    public byte[] Compress(byte[] payload)
    {
        if (sendBits < 15) return CompressSmall(payload);
        if (_deflate is null || !sendKeeps)
        {
            _deflate?.Dispose();
            _compressed = new MemoryStream();
            _deflate = new DeflateStream(_compressed, CompressionLevel.Optimal);
        }

        _compressed.SetLength(0);
        _deflate.Write(payload);
        _deflate.Flush(); // a sync flush
        byte[] bytes = _compressed.ToArray();
        if (bytes.Length == 0) return [0]; // nothing to flush (section 7.2.3.6)
        Assert.True(bytes.AsSpan().EndsWith(Tail));
        return bytes[..^4];
    }

    /// <summary>Inflates a message of the subject's, which must not refer to anything outside its window or, where so agreed, the message.</summary>
    public byte[] Inflate(byte[] compressed, int length)
    {
        if (_inflate is null || !receiveKeeps)
        {
            _inflate?.Dispose();
            _feed = new Feed();
            _inflate = new DeflateStream(_feed, CompressionMode.Decompress);
            _distances = new DeflateDistances();
        }

        _feed.Add([.. compressed, .. Tail]);
        byte[] payload = new byte[length + 1];
        int count = _inflate.ReadAtLeast(payload, payload.Length, throwOnEndOfStream: false);
        if (receiveBits < 15)
        {
            _distances.Add([.. compressed, .. Tail]);
            Assert.True(_distances.Largest <= 1 << receiveBits, $"RFC 7692 section 7.1.2: a distance of {_distances.Largest} in a window of {receiveBits} bits.");
        }

        return payload[..count];
    }

    public void Dispose()
    {
        _deflate?.Dispose();
        _inflate?.Dispose();
        _compressed.Dispose();
        _feed.Dispose();
    }

    // Greedy matches with the latest place that has the same three bytes, in one block of fixed codes.
    private byte[] CompressSmall(byte[] payload)
    {
        if (!sendKeeps)
        {
            _history.Clear();
            _triples.Clear();
        }

        int at = _history.Count;
        _history.AddRange(payload);
        var bits = new DeflateBits();
        while (at < _history.Count)
        {
            int length = 0;
            int found = -1;
            if (at + 2 < _history.Count && _triples.TryGetValue(Triple(at), out found) && at - found <= 1 << sendBits)
            {
                while (length < 258 && at + length < _history.Count && _history[found + length] == _history[at + length]) length++;
            }

            if (length >= 3) bits.Match(length, at - found);
            else bits.Literals([_history[at]]);
            for (int end = at + Math.Max(length, 1); at < end; at++)
            {
                // Places are kept until they fall out of the window, so that distances get as long as they may.
                if (at + 2 < _history.Count && (!_triples.TryGetValue(Triple(at), out int old) || at - old > (1 << sendBits) - 1)) _triples[Triple(at)] = at;
            }
        }

        return bits.EndBlock().Message();
    }

    private int Triple(int at) => _history[at] | (_history[at + 1] << 8) | (_history[at + 2] << 16);

    /// <summary>A stream that has what was added, and may have more later.</summary>
    private sealed class Feed : Stream
    {
        private byte[] _bytes = [];
        private int _at;

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public void Add(byte[] bytes)
        {
            _bytes = [.. _bytes.AsSpan(_at), .. bytes];
            _at = 0;
        }

        public override int Read(byte[] buffer, int offset, int count)
        {
            int size = Math.Min(count, _bytes.Length - _at);
            _bytes.AsSpan(_at, size).CopyTo(buffer.AsSpan(offset));
            _at += size;
            return size;
        }

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}

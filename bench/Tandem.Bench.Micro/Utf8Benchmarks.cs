using System.Text;
using System.Text.Unicode;
using BenchmarkDotNet.Attributes;
using Tandem.Protocol.Framing;

namespace Tandem.Bench.Micro;

/// <summary>
/// Validation of text as it arrives, beside the BCL's of a whole: on whole messages, and on the same cut into pieces of a size that falls inside of characters, where the
/// BCL's has no answer but a decoder that keeps state.
/// </summary>
public class Utf8Benchmarks
{
    private const int Piece = 1_001;

    private readonly char[] _chars = new char[Piece + 1];
    private byte[] _text = [];

    public enum Alphabet
    {
        Ascii,
        Chinese,
    }

    [Params(Alphabet.Ascii, Alphabet.Chinese)]
    public Alphabet Text { get; set; }

    [Params(100, 64 * 1024)]
    public int Size { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        string sample = Text == Alphabet.Ascii ? "The quick brown fox. " : "天地玄黄宇宙洪荒 ";
        _text = Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat(sample, (Size / 10) + 1)))[..Size];
        // The last character may have been cut.
        while (!Utf8.IsValid(_text)) _text = _text[..^1];
    }

    [Benchmark(Baseline = true)]
    public bool WholeByTheBcl() => Utf8.IsValid(_text);

    [Benchmark]
    public bool Whole()
    {
        Utf8Validator validator = default;
        return validator.Append(_text) && validator.IsComplete;
    }

    [Benchmark]
    public bool Split()
    {
        Utf8Validator validator = default;
        for (int i = 0; i < _text.Length; i += Piece)
        {
            if (!validator.Append(_text.AsSpan(i, Math.Min(Piece, _text.Length - i)))) return false;
        }

        return validator.IsComplete;
    }

    [Benchmark]
    public int SplitByADecoder()
    {
        Decoder decoder = new UTF8Encoding(false, throwOnInvalidBytes: true).GetDecoder();
        int count = 0;
        for (int i = 0; i < _text.Length; i += Piece)
        {
            ReadOnlySpan<byte> piece = _text.AsSpan(i, Math.Min(Piece, _text.Length - i));
            count += decoder.GetChars(piece, _chars, flush: i + piece.Length == _text.Length);
        }

        return count;
    }
}

using BenchmarkDotNet.Attributes;
using Tandem.Protocol.Framing;

namespace Tandem.Bench.Micro;

/// <summary>Unmasking, in place and while copying, beside a copy alone: how near it is to the speed of memory.</summary>
public class MaskingBenchmarks
{
    private const uint Key = 0x3d21fa37;

    private byte[] _source = [];
    private byte[] _destination = [];

    [Params(64 * 1024)]
    public int Size { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        _source = new byte[Size];
        _destination = new byte[Size];
        new Random(1).NextBytes(_source);
    }

    [Benchmark(Baseline = true)]
    public void Copy() => _source.AsSpan().CopyTo(_destination);

    [Benchmark]
    public void UnmaskInPlace() => Masking.Apply(_source, Key);

    [Benchmark]
    public void CopyAndMask() => Masking.Apply(_source, _destination, Key);
}

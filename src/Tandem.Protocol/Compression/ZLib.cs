using System.Runtime.InteropServices;

namespace Tandem.Protocol.Compression;

/// <summary>
/// The zlib-ng that ships inside .NET, through the runtime's own native library. <c>DeflateStream</c> stands on the same code but exposes no
/// window size, which RFC 7692 sections 7.1.2.1 and 7.1.2.2 negotiate. The shim has no way to reset a deflate context, so one that must forget
/// its history ends a message with a full flush instead.
/// </summary>
internal static unsafe partial class ZLib
{
    public const int Ok = 0;
    public const int StreamEnd = 1;
    public const int BufferError = -5; // no progress was possible; no error as such

    public const int SyncFlush = 2;
    public const int FullFlush = 3;
    public const int Block = 5; // inflating stops where a block ends

    public const int Deflated = 8;
    public const int DefaultStrategy = 0;
    public const int RunLengthStrategy = 3;

    private const string Library = "libSystem.IO.Compression.Native";

    /// <summary>The shim's PAL_ZStream.</summary>
    public struct Stream
    {
        public byte* NextIn;
        public byte* NextOut;
        public byte* Message;
        public void* State;
        public uint AvailableIn;
        public uint AvailableOut;
    }

    [LibraryImport(Library, EntryPoint = "CompressionNative_DeflateInit2_")]
    public static partial int DeflateInit(Stream* stream, int level, int method, int windowBits, int memoryLevel, int strategy);

    [LibraryImport(Library, EntryPoint = "CompressionNative_Deflate")]
    public static partial int Deflate(Stream* stream, int flush);

    [LibraryImport(Library, EntryPoint = "CompressionNative_DeflateEnd")]
    public static partial int DeflateEnd(Stream* stream);

    [LibraryImport(Library, EntryPoint = "CompressionNative_InflateInit2_")]
    public static partial int InflateInit(Stream* stream, int windowBits);

    [LibraryImport(Library, EntryPoint = "CompressionNative_Inflate")]
    public static partial int Inflate(Stream* stream, int flush);

    [LibraryImport(Library, EntryPoint = "CompressionNative_InflateReset2_")]
    public static partial int InflateReset(Stream* stream, int windowBits);

    [LibraryImport(Library, EntryPoint = "CompressionNative_InflateEnd")]
    public static partial int InflateEnd(Stream* stream);
}

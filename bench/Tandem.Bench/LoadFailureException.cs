using System.Runtime.InteropServices;

namespace Tandem.Benchmarks;

/// <summary>The measurement cannot go on: the server is not there, or broke the protocol. Its message is the one line that is printed.</summary>
internal sealed class LoadFailureException(string message) : Exception(message)
{
    /// <summary>A system call that failed; to be made right after it, while errno stands.</summary>
    public static LoadFailureException FromSystemCall(string call) => FromErrno(call, Marshal.GetLastSystemError());

    public static LoadFailureException FromErrno(string call, int errno) => new($"{call}: {Marshal.GetPInvokeErrorMessage(errno)}");
}

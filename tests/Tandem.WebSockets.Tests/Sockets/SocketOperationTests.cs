using System.Net.Sockets;
using Tandem.WebSockets.Sockets;

namespace Tandem.WebSockets.Tests.Sockets;

/// <summary>What happens to an operation while it asks the kernel, and has found nothing: the moments that real sockets hit by chance alone.</summary>
public sealed class SocketOperationTests
{
    public enum Moment
    {
        Beginning, // the kernel is asked by who begins the operation
        Told, // by who was told of an event while it waited
    }

    [Theory]
    [InlineData(Moment.Beginning)]
    [InlineData(Moment.Told)]
    public async Task An_event_that_comes_meanwhile_has_it_ask_again(Moment moment)
    {
        var operation = new Scripted(moment, static operation => Assert.False(operation.Tell()));
        Assert.Equal(7, await operation.BeginAsync(default).InTime());
    }

    [Theory]
    [InlineData(Moment.Beginning)]
    [InlineData(Moment.Told)]
    public async Task A_cancellation_that_comes_meanwhile_ends_it(Moment moment)
    {
        using var source = new CancellationTokenSource();
        var operation = new Scripted(moment, _ => source.Cancel());
        OperationCanceledException exception = await Assert.ThrowsAsync<OperationCanceledException>(() => operation.BeginAsync(source.Token).InTime());
        Assert.Equal(source.Token, exception.CancellationToken);
        Assert.False(operation.Tell()); // nothing waits any more
    }

    [Theory]
    [InlineData(Moment.Beginning)]
    [InlineData(Moment.Told)]
    public async Task An_end_that_comes_meanwhile_ends_it(Moment moment)
    {
        var operation = new Scripted(moment, static operation => operation.End());
        Exception? exception = await Record.ExceptionAsync(() => operation.BeginAsync(default).InTime());
        if (moment == Moment.Beginning) Assert.IsType<ObjectDisposedException>(exception);
        else Assert.IsType<IOException>(exception);
        Assert.False(operation.Tell());
    }

    [Fact]
    public async Task A_socket_that_is_closed_between_an_event_and_the_question_aborts_what_waited()
    {
        var operation = new Scripted(Moment.Told, static operation =>
        {
            operation.End();
            throw new ObjectDisposedException("the socket");
        });
        IOException exception = await Assert.ThrowsAsync<IOException>(() => operation.BeginAsync(default).InTime());
        Assert.Equal(SocketError.OperationAborted, Assert.IsType<SocketException>(exception.InnerException).SocketErrorCode);
    }

    [Fact]
    public async Task An_event_that_came_before_is_remembered_once()
    {
        var operation = new Scripted(Moment.Beginning, static _ => { });
        ValueTask<int> first = operation.BeginAsync(default);
        Assert.False(first.IsCompleted);
        Assert.True(operation.Tell());
        Assert.False(operation.Tell()); // between the two that had nothing to do with each other
        operation.Execute();
        Assert.Equal(7, await first);
        Assert.Equal(2, operation.Asked);
        Assert.Equal(7, await operation.BeginAsync(default));
        ValueTask<int> third = operation.BeginAsync(default);
        Assert.False(third.IsCompleted); // and it has not asked in vain
        Assert.Equal(3, operation.Asked);
        operation.End();
        await Assert.ThrowsAsync<IOException>(() => third.InTime());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Who_cancels_or_disposes_is_not_held_up_by_what_goes_on(bool disposes)
    {
        using var source = new CancellationTokenSource();
        var operation = new Scripted(Moment.Beginning, static _ => { });
        int thread = Environment.CurrentManagedThreadId;
        bool hasReturned = false;
        Task<bool> wasHeldUp = WasHeldUpAsync(operation.BeginAsync(source.Token));
        if (disposes) operation.End();
        else source.Cancel();
        Volatile.Write(ref hasReturned, true);
        Assert.False(await wasHeldUp.InTime());

        async Task<bool> WasHeldUpAsync(ValueTask<int> waits)
        {
            await Assert.ThrowsAnyAsync<Exception>(() => waits.AsTask()).ConfigureAwait(false);
            return thread == Environment.CurrentManagedThreadId && !Volatile.Read(ref hasReturned);
        }
    }

    // Finds nothing until the moment has come, in which something happens; from then on 7.
    private sealed class Scripted(Moment moment, Action<SocketOperation> happens) : SocketOperation
    {
        private bool _hasHappened;

        public int Asked { get; private set; }

        public ValueTask<int> BeginAsync(CancellationToken token)
        {
            if (TryOrWait(token, out int result, out short version)) return new ValueTask<int>(result);
            if (moment == Moment.Told && !_hasHappened)
            {
                Assert.True(Tell());
                Execute();
            }

            return new ValueTask<int>(this, version);
        }

        protected override bool TryOnce(bool isTold, out int result)
        {
            Asked++;
            result = 7;
            if (_hasHappened) return true;
            if (isTold != (moment == Moment.Told)) return false;
            _hasHappened = true;
            happens(this);
            return false;
        }
    }
}

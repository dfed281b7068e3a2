using System.Security.Cryptography;
using Tandem.Link.Conversation;
using Tandem.Link.Protocol;
using Tandem.Link.Tests.Support;

namespace Tandem.Link.Tests.Conversation;

/// <summary>docs/link-protocol.md, Files.</summary>
public class FileTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(LinkLimits.MaxChunkBytes)]
    [InlineData(LinkLimits.FileWindowBytes + 1)]
    [InlineData(1_000_000)]
    public void A_file_comes_whole(int length)
    {
        var ends = new Ends();
        MemoryFile source = MemoryFile.Random(length), target = new(new byte[length]);
        ends.AtPhone.OnOffer = file => file.Accept(target);
        OutgoingFile? outgoing = ends.Computer.OfferFile(source, length, "holiday.jpg", "image/jpeg");
        ends.Settle();
        Assert.Equal(source.Bytes, target.Bytes);
        Assert.Equal(("done holiday.jpg", "done holiday.jpg"), (ends.AtPhone.Log[^1], ends.AtComputer.Log[^1]));
        Assert.Equal(("holiday.jpg", "image/jpeg", true), (ends.AtPhone.Offered.Single().Name, ends.AtPhone.Offered.Single().MediaType, outgoing!.IsOver));
        Assert.Empty(ends.Computer.Outgoing);
        Assert.Empty(ends.Phone.Incoming);
    }

    [Fact]
    public void At_most_256_KiB_are_under_way_in_chunks_of_at_most_32_KiB()
    {
        Ends ends = new Ends().Settle();
        ends.AtPhone.OnOffer = file => file.Accept(new MemoryFile(new byte[1_000_000]));
        ends.Computer.OfferFile(MemoryFile.Random(1_000_000), 1_000_000, "large");
        ends.Send(1);
        ends.Deliver(0);
        ends.Send(0);
        ends.Deliver(1);
        Assert.Equal(8, ends.Send(1));
        Assert.Equal(8, ends.MailTo(0).Count);
        // After 64 KiB the receiver says so, and so much more follows.
        ends.Deliver(0, 2);
        Assert.Equal(1, ends.Send(0));
        ends.Deliver(1);
        Assert.Equal(2, ends.Send(1));
    }

    [Fact]
    public void Chunks_are_what_the_other_end_takes()
    {
        var ends = new Ends();
        ends.Computer.Receive(new HelloMessage { Flags = HelloFlags.Answer, LargestChunk = 1024 }.ToArray(), ends.Now);
        OutgoingFile? file = ends.Computer.OfferFile(MemoryFile.Random(3000), 3000, "small pieces");
        ends.Computer.Receive(new FileAcceptMessage { Id = file!.Id }.ToArray(), ends.Now);
        var sizes = new List<int>();
        while (ends.Computer.TryTake(ends.Now, out byte[] message))
        {
            if (FileChunkMessage.Read(message, out FileChunkMessage chunk) == LinkFault.None) sizes.Add(chunk.Payload.Length);
        }

        Assert.Equal([1024, 1024, 952], sizes);
    }

    [Fact]
    public void A_file_goes_on_where_it_stopped_wherever_it_is_cut()
    {
        var random = new Random(11);
        for (int round = 0; round < 40; round++)
        {
            int length = random.Next(400_000);
            var ends = new Ends();
            MemoryFile source = MemoryFile.Random(length, round), target = new(new byte[length]);
            ends.AtPhone.OnOffer = file => file.Accept(target, target.Written);
            OutgoingFile outgoing = ends.Computer.OfferFile(source, length, "file")!;
            for (int cut = 0; cut < 6; cut++)
            {
                for (int step = random.Next(12); step > 0; step--)
                {
                    ends.Send(random.Next(2), random.Next(6));
                    ends.Deliver(random.Next(2), random.Next(6), () => random.Next(10) == 0);
                }

                // A process dies; its program opens the file again.
                if (random.Next(3) == 0)
                {
                    ends.Restart(0);
                }
                else if (random.Next(3) == 0)
                {
                    bool isOver = outgoing.IsOver;
                    ends.Restart(1);
                    if (!isOver) outgoing = ends.Computer.OfferFile(source, length, "file", id: outgoing.Id)!;
                }
            }

            ends.Restart(0);
            ends.Settle();
            Assert.True(target.Written == length, $"round {round}: {target.Written} of {length}, {string.Join(", ", ends.AtPhone.Log)}; {string.Join(", ", ends.AtComputer.Log)}; sender {outgoing.Transferred} {outgoing.IsOver} {ends.Computer.Outgoing.Count} {ends.Phone.Incoming.Count}");
            Assert.Equal(source.Bytes, target.Bytes);
            Assert.Contains("done file", ends.AtPhone.Log);
            Assert.True(outgoing.IsOver);
        }
    }

    [Fact]
    public void A_resumed_file_is_not_sent_from_its_beginning()
    {
        var ends = new Ends();
        MemoryFile source = MemoryFile.Random(500_000), target = new MemoryFile([.. source.Bytes[..300_000], .. new byte[200_000]]).StartingAt(300_000);
        ends.AtPhone.OnOffer = file => file.Accept(target, 300_000);
        ends.Computer.OfferFile(source, 500_000, "half of it is there");
        ends.Settle();
        Assert.Equal(source.Bytes, target.Bytes);
        Assert.Equal("done half of it is there", ends.AtPhone.Log[^1]);
    }

    [Fact]
    public void A_file_that_changed_on_its_way_is_damaged()
    {
        var ends = new Ends();
        MemoryFile source = MemoryFile.Random(100_000), target = new MemoryFile(new byte[100_000]).StartingAt(50_000);
        ends.AtPhone.OnOffer = file => file.Accept(target, 50_000);
        ends.Computer.OfferFile(source, 100_000, "other beginning");
        ends.Settle();
        Assert.Equal(("cancelled other beginning Damaged", "cancelled other beginning Damaged"), (ends.AtPhone.Log[^1], ends.AtComputer.Log[^1]));
    }

    [Fact]
    public void What_cannot_be_read_or_written_is_cancelled_with_why()
    {
        var ends = new Ends();
        ends.AtPhone.OnOffer = file => file.Accept(new MemoryFile(new byte[100_000]) { Limit = file.Name == "no room" ? 40_000 : 100_000 });
        ends.Computer.OfferFile(new MemoryFile(new byte[100_000]) { Limit = 40_000 }, 100_000, "shorter than it was");
        ends.Settle();
        Assert.Equal(("cancelled shorter than it was Unreadable", "cancelled shorter than it was Unreadable"), (ends.AtPhone.Log[^1], ends.AtComputer.Log[^1]));
        ends.Computer.OfferFile(new MemoryFile(new byte[100_000]), 100_000, "no room");
        ends.Settle();
        Assert.Equal(("cancelled no room TooLarge", "cancelled no room TooLarge"), (ends.AtPhone.Log[^1], ends.AtComputer.Log[^1]));
    }

    [Fact]
    public void Either_end_cancels()
    {
        var ends = new Ends();
        ends.AtPhone.OnOffer = file => ends.Phone.CancelFile(file, FileCancelCode.Refused);
        ends.Computer.OfferFile(new MemoryFile([1]), 1, "unwanted");
        ends.Settle();
        Assert.Equal("cancelled unwanted Refused", ends.AtComputer.Log[^1]);
        ends.AtPhone.OnOffer = null;
        OutgoingFile? file = ends.Computer.OfferFile(new MemoryFile([1]), 1, "regretted");
        ends.Settle();
        ends.Computer.CancelFile(file!, FileCancelCode.Cancelled);
        ends.Settle();
        Assert.Equal("cancelled regretted Cancelled", ends.AtPhone.Log[^1]);
        Assert.Throws<InvalidOperationException>(() => ends.AtPhone.Offered[^1].Accept(new MemoryFile([0])));
    }

    [Fact]
    public void Sixteen_files_are_under_way_in_a_direction()
    {
        var ends = new Ends();
        for (int count = 0; count < 16; count++) Assert.NotNull(ends.Computer.OfferFile(new MemoryFile([1]), 1, $"file {count}"));
        Assert.Null(ends.Computer.OfferFile(new MemoryFile([1]), 1, "one too many"));
        ends.Settle();
        Assert.Equal(16, ends.Phone.Incoming.Count);
        ends.Phone.Receive(new FileOfferMessage { Id = 99, Size = 1 }.ToArray(), ends.Now);
        Assert.Equal(16, ends.Phone.Incoming.Count);
        Assert.True(ends.Phone.TryTake(ends.Now, out byte[] message));
        Assert.Equal(new FileCancelMessage { Id = 99, Code = FileCancelCode.Refused }.ToArray(), message);
        Assert.NotNull(ends.Phone.OfferFile(new MemoryFile([1]), 1, "the other way"));
    }

    [Fact]
    public void Several_files_come_at_once_and_a_small_one_does_not_wait_for_a_large_one()
    {
        var ends = new Ends();
        ends.AtPhone.OnOffer = file => file.Accept(new MemoryFile(new byte[file.Size]));
        ends.Computer.OfferFile(MemoryFile.Random(2_000_000), 2_000_000, "large");
        ends.Computer.OfferFile(MemoryFile.Random(1000), 1000, "small");
        ends.Settle();
        Assert.Equal(["done small", "done large"], ends.AtPhone.Log.Where(entry => entry.StartsWith("done", StringComparison.Ordinal)));
    }

    [Fact]
    public void A_hostile_sender_gets_no_further_than_the_size_that_it_offered()
    {
        var ends = new Ends();
        var target = new MemoryFile(new byte[200]);
        ends.AtPhone.OnOffer = file => file.Accept(target);
        Offer(100);
        Receive(new FileChunkMessage { Id = 7, Offset = 50, Payload = new byte[10] }.ToArray()); // beyond what is here: dropped
        Receive(new FileChunkMessage { Id = 7, Offset = long.MaxValue >> 10, Payload = new byte[10] }.ToArray());
        Receive(new FileChunkMessage { Id = 8, Payload = new byte[10] }.ToArray()); // nobody knows it
        Receive(new FileEndMessage { Id = 7, Hash = SHA256.HashData([]) }.ToArray()); // too early
        Assert.Equal((0L, 1), (target.Written, ends.Phone.Incoming.Count));
        Receive(new FileChunkMessage { Id = 7, Payload = new byte[60] }.ToArray());
        Receive(new FileChunkMessage { Id = 7, Offset = 40, Payload = new byte[40] }.ToArray()); // half of it is here
        Receive(new FileChunkMessage { Id = 7, Offset = 10, Payload = new byte[40] }.ToArray()); // all of it is
        Assert.Equal(80L, target.Written);
        Receive(new FileChunkMessage { Id = 7, Offset = 80, Payload = new byte[21] }.ToArray());
        Assert.Equal((80L, 0, "cancelled x Damaged"), (target.Written, ends.Phone.Incoming.Count, ends.AtPhone.Log[^1]));
        Assert.False(ends.Phone.IsOver);

        void Offer(long size) => Receive(new FileOfferMessage { Id = 7, Size = size, Name = "x"u8 }.ToArray());
        void Receive(byte[] message) => ends.Phone.Receive(message, ends.Now);
    }

    [Fact]
    public void What_a_hostile_receiver_says_it_has_is_believed_within_bounds_only()
    {
        Ends ends = new Ends().Settle();
        OutgoingFile file = ends.Computer.OfferFile(MemoryFile.Random(500_000), 500_000, "x")!;
        Receive(new FileTakenMessage { Id = file.Id, Offset = 500_000 }.ToArray());
        Receive(new FileAcceptMessage { Id = file.Id, Offset = 500_001 }.ToArray());
        Assert.Equal((1, 0L), (ends.Send(1), file.Transferred));
        Receive(new FileAcceptMessage { Id = file.Id }.ToArray());
        Assert.Equal(8, ends.Send(1));
        Receive(new FileTakenMessage { Id = file.Id, Offset = 262_145 }.ToArray());
        Assert.Equal((0, 0L), (ends.Send(1), file.Transferred));
        Receive(new FileAcceptMessage { Id = 12345 }.ToArray());
        Assert.True(ends.Computer.TryTake(ends.Now, out byte[] message));
        Assert.Equal(new FileCancelMessage { Id = 12345, Code = FileCancelCode.Unreadable }.ToArray(), message);

        void Receive(byte[] bytes) => ends.Computer.Receive(bytes, ends.Now);
    }

    [Fact]
    public void A_sender_that_was_led_back_goes_on_from_what_has_come_meanwhile()
    {
        Ends ends = new Ends().Settle();
        OutgoingFile file = ends.Computer.OfferFile(MemoryFile.Random(500_000), 500_000, "x")!;
        ends.Send(1);
        byte[] acceptance = new FileAcceptMessage { Id = file.Id }.ToArray();
        ends.Computer.Receive(acceptance, ends.Now);
        Assert.Equal(8, ends.Send(1));
        ends.Computer.Receive(acceptance, ends.Now);
        ends.Computer.Receive(new FileTakenMessage { Id = file.Id, Offset = 131_072 }.ToArray(), ends.Now);
        Assert.Equal(131_072, file.Transferred);
        Assert.True(ends.Computer.TryTake(ends.Now, out byte[] message));
        Assert.Equal(LinkFault.None, FileChunkMessage.Read(message, out FileChunkMessage chunk));
        Assert.Equal(131_072, chunk.Offset);
    }

    [Fact]
    public void Who_did_not_hear_that_a_file_has_come_is_told_again()
    {
        Ends ends = new Ends().Settle();
        ends.AtPhone.OnOffer = file => file.Accept(new MemoryFile(new byte[10]));
        OutgoingFile file = ends.Computer.OfferFile(MemoryFile.Random(10), 10, "x")!;
        while (!ends.AtPhone.Log.Contains("done x"))
        {
            ends.Send(1);
            ends.Deliver(0);
            if (ends.AtPhone.Log.Contains("done x")) break;
            ends.Send(0);
            ends.Deliver(1);
        }

        ends.Send(0);
        ends.MailTo(1).Clear();
        ends.Phone.Say("and so on", 0);
        ends.Settle();
        Assert.True(file.IsOver);
        Assert.Single(ends.AtPhone.Offered);
    }
}

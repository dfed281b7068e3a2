using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Tandem.Link.Conversation;
using Tandem.Link.Protocol;
using Tandem.Link.Tests.Support;

namespace Tandem.Link.Tests.Conversation;

/// <summary>docs/link-protocol.md, Text.</summary>
public class TextTests
{
    [Theory]
    [InlineData("", "a", 0, 0, "a")]
    [InlineData("a", "", 0, 1, "")]
    [InlineData("hello", "help", 3, 2, "p")]
    [InlineData("aaa", "aaaa", 3, 0, "a")]
    [InlineData("abab", "ab", 2, 2, "")]
    [InlineData("\U0001F600", "\U0001F601", 0, 2, "\U0001F601")] // the same first half
    [InlineData("\U0001F600", "\U0001FA00", 0, 2, "\U0001FA00")] // the same second half
    [InlineData("x\U0001F600y", "x\U0001F601y", 1, 2, "\U0001F601")]
    [InlineData("same", "same", 4, 0, "")]
    public void The_difference_of_two_texts_splits_no_pair(string before, string after, int position, int deleted, string inserted) =>
        Assert.Equal((position, deleted, inserted), LinkText.Difference(before, after));

    [Fact]
    public void Half_a_pair_counts_as_a_replacement_character()
    {
        // Not a theory: attributes are UTF-8, too.
        Check("a\uD83D", "a\uFFFD");
        Check("\uDE00b", "\uFFFDb");
        Check("\uD83D\uD83D\uDE00\uDE00", "\uFFFD\U0001F600\uFFFD");
        Check("\U0001F600", "\U0001F600");

        static void Check(string typed, string sent)
        {
            var ends = new Ends();
            ends.Phone.SetText(typed, 1, 1);
            ends.Settle();
            Assert.Equal((sent, (1, 1)), (ends.AtComputer.Text, ends.AtComputer.Composition));
        }
    }

    [Fact]
    public void What_is_composed_is_seen_before_it_is_there()
    {
        var ends = new Ends();
        ends.Phone.SetText("ni", 0, 2);
        ends.Settle();
        Assert.Equal(("ni", (0, 2)), (ends.AtComputer.Text, ends.AtComputer.Composition));
        ends.Phone.SetText("你", 1, 1);
        ends.Settle();
        Assert.Equal(("你", (1, 1)), (ends.AtComputer.Text, ends.AtComputer.Composition));
        ends.Computer.SetText("its own");
        ends.Settle();
        Assert.Equal(("its own", "你"), (ends.AtPhone.Text, ends.AtComputer.Text));
    }

    [Fact]
    public void Sixteen_edits_are_under_way_and_what_is_typed_meanwhile_becomes_one()
    {
        Ends ends = new Ends().Settle();
        for (int i = 1; i <= 100; i++)
        {
            ends.Phone.SetText(new string('x', i));
            ends.Send(0);
        }

        Assert.Equal(16, ends.MailTo(1).Count);
        ends.Deliver(1);
        Assert.Equal(16, ends.AtComputer.Text.Length);
        // Of sixteen that came together the last is enough.
        Assert.Equal(1, ends.Send(1));
        ends.Deliver(0);
        Assert.Equal(1, ends.Send(0));
        ends.Settle();
        Assert.Equal(100, ends.AtComputer.Text.Length);
    }

    [Fact]
    public void An_edit_that_does_not_fit_is_answered_once_until_the_whole_text_comes()
    {
        var receiver = new TextReceiver();
        Assert.False(receiver.Receive(new TextEditMessage { BaseRevision = 1 }));
        Assert.Equal(default(TextWantMessage).ToArray(), receiver.Take());
        Assert.False(receiver.Receive(new TextEditMessage { BaseRevision = 2 }));
        Assert.Null(receiver.Take());
        Assert.Equal(LinkFault.None, receiver.Receive(new TextStateMessage { Revision = 5, Content = "abc"u8 }));
        Assert.Equal(new TextSeenMessage { Revision = 5 }.ToArray(), receiver.Take());
        Assert.False(receiver.Receive(new TextEditMessage { BaseRevision = 4 }));
        Assert.Equal(default(TextWantMessage).ToArray(), receiver.Take());
        Assert.Equal("abc", receiver.Content);
    }

    [Theory]
    [InlineData(4, 0, 0, 0, "x")] // behind the end
    [InlineData(1, 3, 0, 0, "")] // beyond the end
    [InlineData(long.MaxValue >> 11, 1, 0, 0, "")]
    [InlineData(1, long.MaxValue >> 11, 0, 0, "")]
    [InlineData(2, 0, 0, 0, "x")] // into a pair
    [InlineData(0, 2, 0, 0, "")] // half of a pair
    [InlineData(0, 0, 2, 1, "")]
    [InlineData(0, 0, 0, 4, "")]
    public void What_does_not_fit_changes_nothing(long position, long deleted, long start, long end, string inserted)
    {
        var receiver = new TextReceiver();
        Assert.Equal(LinkFault.None, receiver.Receive(new TextStateMessage { Revision = 1, Content = "a\U0001F600"u8 }));
        Assert.False(receiver.Receive(new TextEditMessage
        {
            BaseRevision = 1, Position = position, Deleted = deleted, CompositionStart = start, CompositionEnd = end, Inserted = Encoding.UTF8.GetBytes(inserted),
        }));
        Assert.Equal("a\U0001F600", receiver.Content);
    }

    [Fact]
    public void A_text_has_16384_code_units_and_no_more()
    {
        var ends = new Ends();
        string longest = new('世', LinkLimits.MaxTextUnits);
        ends.Phone.SetText(longest);
        ends.Settle();
        Assert.Equal(longest, ends.AtComputer.Text);
        Assert.Throws<ArgumentOutOfRangeException>(() => ends.Phone.SetText(longest + "x"));
        Assert.Throws<ArgumentOutOfRangeException>(() => ends.Phone.SetText("x", 0, 2));
        Assert.Throws<ArgumentOutOfRangeException>(() => ends.Phone.SetText("x", 1, 0));
        var receiver = new TextReceiver();
        Assert.Equal(LinkFault.TextTooLong, receiver.Receive(new TextStateMessage { Content = new byte[LinkLimits.MaxTextUnits + 1] }));
        Assert.Equal(LinkFault.CompositionOutOfRange, receiver.Receive(new TextStateMessage { CompositionEnd = 1 }));
        Assert.Equal(LinkFault.CompositionOutOfRange, receiver.Receive(new TextStateMessage { CompositionStart = 1, CompositionEnd = 0, Content = "ab"u8 }));
        Assert.Equal(LinkFault.None, receiver.Receive(new TextStateMessage { Content = new byte[LinkLimits.MaxTextUnits] }));
        Assert.False(receiver.Receive(new TextEditMessage { Inserted = "x"u8 }));
    }

    [Fact]
    public void A_text_that_is_not_empty_goes_again_when_the_other_end_starts_again()
    {
        var ends = new Ends();
        ends.Computer.SetText("still here");
        ends.Settle();
        ends.Restart(0);
        Assert.Equal("", ends.Phone.OtherText);
        ends.Settle();
        Assert.Equal("still here", ends.Phone.OtherText);
        ends.Restart(1);
        ends.Settle();
        Assert.Equal("still here", ends.Phone.OtherText);
    }

    /// <summary>Whatever is typed, and whatever is lost while the ends come and go: when all is quiet both see what the other has typed.</summary>
    [Fact]
    public void Both_ends_converge()
    {
        Gen<(int, int, int, string)> step = Gen.Choose(0, 9).SelectMany(kind => Gen.Choose(0, 1).SelectMany(end => Gen.Choose(0, 30).SelectMany(at =>
            Gen.Elements("", "a", "bc", "世界", "\U0001F600", "\uD83D", "\uDE00", "xyz\U0001F601").Select(text => (kind, end, at, text)))));
        Prop.ForAll(Arb.From(Gen.ListOf(step)), steps =>
        {
            var ends = new Ends();
            string[] typed = ["", ""];
            foreach ((int kind, int end, int at, string text) in steps)
            {
                switch (kind)
                {
                    case < 5:
                        int position = Math.Min(at, typed[end].Length), deleted = Math.Min(text.Length, typed[end].Length - position);
                        typed[end] = LinkText.Clean(typed[end][..position] + text + typed[end][(position + deleted)..]);
                        ends[end].Conversation.SetText(typed[end], Math.Min(position, typed[end].Length), typed[end].Length);
                        ends.Send(end, at % 4);
                        break;
                    case 5: ends.Deliver(end, at); break;
                    case 6: ends.Send(end, at); break;
                    case 7: ends.Deliver(end, 3, () => at % 2 == 0); break;
                    case 8: ends.Restart(end); break;
                    default: ends.Settle(); break;
                }
            }

            // Whoever comes back finds out that something was lost.
            ends.Restart(0);
            ends.Settle();
            return ends.Computer.OtherText == typed[0] && ends.Phone.OtherText == typed[1];
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(300));
    }
}

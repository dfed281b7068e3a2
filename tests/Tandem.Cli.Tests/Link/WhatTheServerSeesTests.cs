using System.Security.Cryptography;
using System.Text;
using Tandem.Browser.Tests;
using Tandem.Link.Secrets;
using Tandem.Link.Tests.Support;
using Tandem.Sessions.Client;
using Tandem.Sessions.Protocol;

namespace Tandem.Cli.Tests.Link;

/// <summary>What a server of links knows: docs/threat-model.md, "What the server sees".</summary>
[Collection(nameof(Alone))]
public sealed class WhatTheServerSeesTests
{
    [Fact]
    public async Task Nothing_that_linked_ends_say_is_in_the_servers_memory_or_in_its_log()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Memory of another process is read by /proc.");
        // Each is said in one way, so that a failure names what the server has seen.
        string name = Marker("name"), typed = Marker("typed"), said = Marker("said"), waiting = Marker("waiting"), fileName = Marker("file-name"), filed = Marker("filed");
        string clear = Marker("clear"), asked = Marker("asked");
        (TandemProcess process, string line) = await TandemProcess.StartAsync("serve --port 0", "Tandem is at ", ("Logging__LogLevel__Default", "Trace"));
        Task<string> log = process.ReadToEndAsync();
        string code;
        await using (process)
        {
            var origin = new Uri(line.Split(' ')[^1]);
            Uri server = new UriBuilder(new Uri(origin, "link/websocket")) { Scheme = "ws" }.Uri;
            var atComputer = new EndRecord();
            MemoryFile source = MemoryFile.Random(50_000), target = new(new byte[50_000]);
            Encoding.UTF8.GetBytes(filed).CopyTo(source.Bytes, 10_000);
            var atPhone = new EndRecord { OnOffer = file => file.Accept(target) };
            (LinkProgram computer, LinkProgram phone, code) = await LinkProgram.LinkAsync(server, name, (atComputer, atPhone)).InTime();
            await using (computer)
            {
                await using (phone)
                {
                    computer.Do(conversation => conversation.SetText(typed));
                    computer.Do(conversation => conversation.Say(said, 1));
                    computer.Do(conversation => conversation.OfferFile(source, source.Bytes.Length, fileName, "text/plain"));
                    await Until(phone, () => atPhone.Text == typed && atPhone.Chats.Contains((1, said)), "text and chat at the phone");
                    await Until(computer, () => atComputer.Log.Contains($"done {fileName}") && atComputer.Log.Contains("seen 1"), "that all has come");
                    Assert.Equal(source.Bytes, target.Bytes);
                    Assert.Contains($"hello {name} {name}", atPhone.Log);
                }

                // The phone is away: what is sent now is in the server for as long as it is.
                computer.Do(conversation => conversation.Say(waiting, 2));
                await computer.SentAsync().InTime();
                using var client = new HttpClient();
                await client.GetStringAsync(new Uri(origin, $"link/address?{asked}")).InTime();
                await using WebSocketSession careless = await LinkProgram.ConnectAsync(server).InTime();
                string inbox = MailboxNames.Inbox(RandomNumberGenerator.GetBytes(16));
                Assert.Equal(SessionCode.Ok, await careless.SendToMailboxAsync(inbox, Encoding.UTF8.GetBytes(clear)).InTime());

                // What a server does see is found, in the same places: what waits in an inbox, sealed or not, and what the inbox is called.
                Dictionary<string, byte[]> seen = new() { ["sealed"] = computer.LastSent.ToArray(), ["clear"] = Encoding.UTF8.GetBytes(clear), ["inbox"] = Encoding.Unicode.GetBytes(inbox) };
                Dictionary<string, byte[]> unseen = SecretsOf(code);
                foreach (string text in (string[])[name, typed, said, waiting, fileName, filed]) AddText(unseen, text);
                (IReadOnlySet<string> found, long searched) = ProcessMemory.Search(process.Id, seen.Concat(unseen).ToDictionary());
                Assert.Empty(seen.Keys.Except(found));
                Assert.Empty(unseen.Keys.Intersect(found));
                Assert.InRange(searched, 32L << 20, long.MaxValue);
            }

            process.Terminate();
            await log.InTime();
        }

        // The log has every level: what was asked for in the clear is in it.
        string logged = await log;
        Assert.Contains(asked, logged, StringComparison.Ordinal);
        Assert.True(LinkSecret.TryParse(code, out LinkSecret? secret));
        using (secret)
        {
            using TicketKeys keys = secret.DeriveKeys();
            string ticket = MailboxNames.Ticket(keys.RoutingId.Span);
            foreach (string text in (string[])[name, typed, said, waiting, fileName, filed, clear, code, ticket]) Assert.DoesNotContain(text, logged, StringComparison.OrdinalIgnoreCase);
        }
    }

    private static string Marker(string of) => $"{of}-{Guid.NewGuid():N}";

    /// <summary>The secret in the forms in which a program could have it, and what follows from it but for the routing id: docs/link-protocol.md, "Secret, routing id, key".</summary>
    private static Dictionary<string, byte[]> SecretsOf(string code)
    {
        Guid guid = Guid.Parse(code);
        byte[] secret = guid.ToByteArray(bigEndian: true);
        byte[] prk = HKDF.Extract(HashAlgorithmName.SHA256, secret, "tandem-link-1"u8.ToArray());
        Dictionary<string, byte[]> secrets = new()
        {
            ["secret"] = secret, ["secret as a Guid"] = guid.ToByteArray(), ["prk"] = prk, ["psk"] = HKDF.Expand(HashAlgorithmName.SHA256, prk, 32, "psk"u8.ToArray()),
        };
        AddText(secrets, code);
        AddText(secrets, guid.ToString("N"));
        return secrets;
    }

    private static void AddText(Dictionary<string, byte[]> patterns, string text)
    {
        patterns.Add(text + " in UTF-8", Encoding.UTF8.GetBytes(text));
        patterns.Add(text + " in UTF-16", Encoding.Unicode.GetBytes(text));
    }

    private static Task Until(LinkProgram program, Func<bool> condition, string what) => Eventually.True(
        () =>
        {
            bool holds = false;
            program.Do(_ => holds = condition());
            return holds;
        },
        what);
}

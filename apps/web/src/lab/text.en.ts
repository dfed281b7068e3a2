/** Every English text of the page. `code` and **strong** are marked as in Markdown. */

const number = (n: number, digits = 0) => n.toLocaleString('en', { maximumFractionDigits: digits });

export const en = {
  title: 'The carrier lab',
  description: 'Polling, long polling, streaming and WebSocket side by side on the same messages: bytes, requests and latency, measured while you watch.',
  skip: 'Skip to the content',
  language: 'Language',
  contents: 'On this page',
  heading: 'The same messages, four ways',
  intro: 'Before there were WebSockets, pages asked again and again. How much does that cost, and how late is the news? This page receives one stream of messages in four ways at once, and the server counts every byte. Nothing is simulated: press Start and watch.',
  footer: 'The carriers are those of Tandem’s sessions: the same frames over each. What is measured here anybody can measure with a packet counter.',

  tutorial: 'The protocol of WebSockets, byte by byte',

  number,
  carriers: { websocket: 'WebSocket', streaming: 'Streaming', longPolling: 'Long polling', polling: 'Polling' },

  run: {
    title: 'Run it',
    nav: 'Run it',
    intro: 'One publisher sends messages at the rate that you choose. Each carrier is a session of its own that is subscribed to them. Which ones take part is chosen before the start; when you change one of the other settings, the figures begin anew.',
    which: 'Carriers',
    rate: 'Messages per second',
    interval: 'Poll interval, in seconds',
    size: 'Bytes of a message',
    start: 'Start',
    stop: 'Stop',
    starting: 'Connecting …',
    failed: (why: string) => `It did not begin: ${why}`,
    running: 'The measurement is running.',
    stopped: 'The measurement has stopped. The figures stay.',
    hidden: 'Browsers slow down pages that nobody sees: keep this one in front while it measures.',
  },

  figures: {
    title: 'Figures',
    nav: 'Figures',
    intro: 'Since the last change of the settings. **Bytes** are all bytes of the connection in both directions, divided by the messages that arrived: heads of HTTP, frames, acknowledgements. What TCP and IP add to each packet (40 bytes or more) comes on top, for all carriers.',
    notCounted: 'This page came over HTTP/2, where the requests of all carriers share one connection, so their bytes cannot be told apart. Open it over `http://`, and they can.',
    carrier: 'Carrier',
    messages: 'Messages',
    bytes: 'Bytes per message',
    up: 'of these up',
    requests: 'Requests per minute',
    median: 'Latency, median',
    p95: 'Latency, 95\u00a0%',
    missing: 'Lost',
    milliseconds: (n: number) => `${number(n, n < 10 ? 1 : 0)} ms`,
    processor: (percent: number) => `Processor time of the server, for everything that it does: ${number(percent, 1)} % of one core.`,
    scroll: 'Figures, scrollable sideways',
    none: '–',
  },

  charts: {
    title: 'While you watch',
    nav: 'Charts',
    intro: 'The last two minutes. The scales of bytes, requests and latency are logarithmic, since the carriers are so far apart.',
    bytes: 'Bytes per message, over 10 seconds',
    requests: 'Requests per minute, over 10 seconds',
    latency: 'Latency: how many of a hundred messages arrive within so many milliseconds',
    processor: 'Processor time of the server, in % of one core',
    processorName: 'Server',
    secondsUnit: 's',
    millisecondsUnit: 'ms',
    empty: 'nothing yet',
  },

  reading: {
    title: 'What to look for',
    nav: 'What to look for',
    points: [
      '**Polling is late by half its interval on average**, and dear when there is nothing: every question costs some hundred bytes up and down, whether or not there is an answer. Choose one message in ten seconds and an interval of half a second to see it.',
      '**Polling is cheap when there is much.** One answer takes all messages of an interval. At fifty messages a second and an interval of five seconds it needs hardly more bytes than a WebSocket, if late is good enough.',
      '**Long polling is prompt**, but each message costs a whole request. At a high rate several messages share an answer.',
      '**Streaming is prompt, and down a message costs little more than itself** (here it is base64 in an event stream, a third more). But what the page says goes up in requests of its own. Here that is an acknowledgement now and then, and at a low rate it costs more than the messages.',
      '**A WebSocket has 2 to 14 bytes of frame around a message**, in both directions, and no heads after the first. That is the whole difference, and it is why it exists.',
      'The messages are random text, since compression, which only the WebSocket has, would hide what the carriers cost.',
      'To see what a carrier costs the **server**, let it run alone: the processor time is that of the whole server.',
    ],
  },
};

export type LabText = typeof en;

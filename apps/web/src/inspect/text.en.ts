/** Every English text of the inspector. */

const number = (n: number) => n.toLocaleString('en', { maximumFractionDigits: n < 10 ? 1 : 0 });

export const en = {
  title: 'Inspector · Tandem',
  description: 'What goes on in a Tandem server, live: connections, sessions, topics, mailboxes, rates and close codes.',
  skip: 'Skip to the content',
  language: 'Language',
  heading: 'What this server is doing',
  number,
  states: {
    connecting: 'Connecting …',
    live: 'Live, once a second',
    paused: 'Paused',
    lost: 'The server does not answer. Trying again …',
    locked: 'Locked',
  },
  pause: 'Pause',
  resume: 'Resume',
  pausedSaid: 'Paused.',
  resumedSaid: 'Live again.',

  lock: {
    title: 'This inspector needs a token',
    hint: 'It is what the server was started with: --inspect-token or TANDEM_INSPECT_TOKEN.',
    label: 'Token',
    enter: 'Open',
    wrong: 'That is not the token.',
  },

  figures: {
    title: 'Now',
    connections: 'Connections',
    received: 'Received',
    sent: 'Sent',
    buffered: 'Waiting for slow peers',
    compression: 'Compression contexts',
    handshakes: 'Handshakes',
    busy: 'Event loops, busy',
    dropped: 'Messages dropped',
    perSecond: (messages: string, bytes: string) => `${messages} msg/s, ${bytes}/s`,
    outcomes: (accepted: string, others: string) => `${accepted} accepted, ${others} not`,
    ofWhich: 'Of the process, at most.',
    none: 'none',
  },

  shown: (shown: number, total: number) => (shown < total ? `${number(shown)} of ${number(total)}` : number(total)),
  empty: 'None.',

  connections: {
    title: 'Connections',
    caption: 'Open connections',
    order: 'Show first',
    orders: { buffered: 'Most bytes waiting', newest: 'Newest' },
    columns: { remote: 'From', path: 'Route', state: 'State', buffered: 'Waiting', age: 'Open for', compression: 'Compression', action: 'Action' },
    close: 'Close …',
    closeLabel: (remote: string) => `Close the connection from ${remote} …`,
    silent: (loops: number) => (loops === 1 ? 'One event loop did not answer in time: a handler keeps it.' : `${loops} event loops did not answer in time: handlers keep them.`),
  },
  dialog: {
    title: 'Close this connection?',
    code: 'Close code',
    codes: {
      1000: '1000, done',
      1001: '1001, going away: it may come back',
      1008: '1008, against the rules: it should stay away',
      1013: '1013, try again later',
    } as Record<number, string>,
    hint: 'What was sent to it before goes first. If it does not answer within seconds it is cut off.',
    confirm: 'Close it',
    cancel: 'Leave it open',
    done: (remote: string, code: number) => `The connection from ${remote} was told to close with ${code}.`,
    gone: (remote: string) => `The connection from ${remote} is not open any more.`,
    failed: 'The server did not answer: nothing was closed.',
  },
  closes: {
    title: 'Closed',
    caption: 'Connections that have ended since the start, by close code',
    columns: { code: 'Code', initiator: 'Ended by', count: 'Count' },
    meanings: {
      '1000': 'done', '1001': 'going away', '1002': 'protocol error', '1003': 'type not accepted', '1005': 'no code given', '1006': 'no close frame',
      '1007': 'not what its type says', '1008': 'against the rules', '1009': 'message too big', '1010': 'extension missing', '1011': 'server error',
      '1012': 'restart', '1013': 'try again later', '1014': 'bad gateway', '3xxx': 'of a library', '4xxx': 'of the application', other: 'not registered',
    } as Record<string, string>,
    initiators: {
      local: 'this server', peer: 'the peer', protocol_fault: 'a broken rule', transport_end: 'the network', timeout: 'a deadline',
      overflow: 'a peer that does not read', handler_error: 'an exception here',
    } as Record<string, string>,
  },
  sessions: {
    title: 'Sessions',
    caption: 'Sessions; those with most bytes waiting first',
    columns: { id: 'Session', carrier: 'Carrier', subscriptions: 'Topics', mailboxes: 'Mailboxes', frames: 'Frames waiting', bytes: 'Bytes waiting' },
    carriers: { none: 'none at the moment', websocket: 'WebSocket', http: 'HTTP' },
  },
  topics: {
    title: 'Topics',
    caption: 'Topics on this node; those with most subscribers first',
    columns: { name: 'Topic', subscribers: 'Subscribers', history: 'Events kept', waiting: 'Events waiting' },
  },
  mailboxes: {
    title: 'Mailboxes',
    caption: 'Mailboxes; the fullest first',
    name: 'Mailbox',
    columns: { consumer: 'Consumer', messages: 'Messages', bytes: 'Bytes' },
    yes: 'yes',
    no: 'nobody',
  },
  links: {
    sessions: { title: 'Links: sessions', caption: 'Sessions of computers and phones; those with most bytes waiting first' },
    tickets: { title: 'Links: tickets', caption: 'Codes that are shown, and trusted phones that are waited for', name: 'Ticket' },
    inboxes: { title: 'Links: inboxes', caption: 'Inboxes of computers and phones; the fullest first. What is in them is sealed', name: 'Inbox' },
  },
  duration: (seconds: number) =>
    seconds < 60 ? `${seconds} s` : seconds < 3600 ? `${Math.floor(seconds / 60)} min` : seconds < 86400 ? `${Math.floor(seconds / 3600)} h` : `${Math.floor(seconds / 86400)} d`,
};

export type InspectText = typeof en;

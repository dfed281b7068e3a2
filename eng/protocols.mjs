// Writes what C# and TypeScript know of the protocols from their tables, eng/session-protocol.json and eng/link-protocol.json.
// Usage: node eng/protocols.mjs [--check]   (--check: writes nothing, and fails when a committed file is not up to date)
import { readFileSync, writeFileSync } from 'node:fs';
import { csharpConstants, csharpMessages } from './protocols/csharp.mjs';
import { typescript } from './protocols/typescript.mjs';

const root = new URL('../', import.meta.url);

// What the protocols do not share. directions: what the one side sends, what the other sends (`second` is the argument that says which), both.
const dialects = [
  {
    source: 'eng/session-protocol.json', namespace: 'Tandem.Sessions.Protocol', csharp: 'src/Tandem.Sessions/Protocol', typescript: 'apps/web/src/session',
    unit: 'Frame', fault: 'SessionFault', prefix: 'Protocol', subprotocol: 'The WebSocket subprotocol (RFC 6455 section 1.9).',
    directions: { up: 'client to server', down: 'server to client', both: 'both ways' }, second: { parameter: 'fromServer', text: 'a server' },
    about: (frame, direction) => `${direction}, ${frame.reliable ? 'reliable' : 'a link frame'}: ${frame.text}`,
    reason: 'the reason of a CLOSE',
  },
  {
    source: 'eng/link-protocol.json', namespace: 'Tandem.Link.Protocol', csharp: 'src/Tandem.Link/Protocol', typescript: 'apps/web/src/link',
    unit: 'Message', fault: 'LinkFault', prefix: 'Link',
    directions: { phone: 'from the phone', computer: 'from the computer', both: 'from both' }, second: { parameter: 'fromComputer', text: 'the computer' },
    about: (message, direction) => `${direction}: ${message.text}`,
    reason: 'the reason of END',
  },
];

/** A table with its references resolved. */
function load(dialect) {
  const protocol = JSON.parse(readFileSync(new URL(dialect.source, root), 'utf8'));
  protocol.limitOf = new Map(protocol.limits.map((limit) => [limit.name, limit.value]));
  const flagsOf = (name) => protocol.flags.find((flags) => flags.name === name).values;
  protocol.payloads ??= [];
  for (const { fields } of [...protocol.messages, ...protocol.payloads]) {
    const flags = fields.find((field) => field.kind === 'flags');
    for (const field of fields) {
      if (field.when) {
        field.whenFlags = flags.flags;
        field.whenValue = flagsOf(flags.flags).find((flag) => flag.name === field.when).value;
      }

      if (field.kind === 'flags') {
        field.mask = flagsOf(field.flags).filter((flag) => !field.allowed || field.allowed.includes(flag.name)).reduce((mask, flag) => mask | flag.value, 0);
      }
    }
  }

  return protocol;
}

const outputs = {};
for (const dialect of dialects) {
  const protocol = load(dialect);
  outputs[`${dialect.csharp}/GeneratedConstants.cs`] = csharpConstants(dialect, protocol);
  outputs[`${dialect.csharp}/Generated${dialect.unit}s.cs`] = csharpMessages(dialect, protocol);
  outputs[`${dialect.typescript}/generated.ts`] = typescript(dialect, protocol);
}

let stale = false;
for (const [path, text] of Object.entries(outputs)) {
  const url = new URL(path, root);
  if (!process.argv.includes('--check')) {
    writeFileSync(url, text);
    continue;
  }

  let committed = '';
  try {
    committed = readFileSync(url, 'utf8');
  } catch {
    // A missing file is not up to date.
  }

  if (committed !== text) {
    console.error(`${path} is not what its table says: run node eng/protocols.mjs`);
    stale = true;
  }
}

process.exit(stale ? 1 : 0);

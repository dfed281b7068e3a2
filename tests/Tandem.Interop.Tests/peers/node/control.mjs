// The pipe to the tests (../README.md): commands come in as JSON lines, reports go out as JSON lines.
import { createInterface } from 'node:readline';

export const profiles = ['plain', 'deflate', 'noContext', 'window'];
export const windowBits = 10;
export const subprotocol = 'tandem.test';

export function tell(line) {
  process.stdout.write(JSON.stringify(line) + '\n');
}

/** Calls connect for each command, and stop when the tests have ended. */
export function listen(connect, stop = () => process.exit()) {
  const lines = createInterface({ input: process.stdin });
  lines.on('line', (line) => connect(JSON.parse(line)));
  lines.on('close', stop);
}

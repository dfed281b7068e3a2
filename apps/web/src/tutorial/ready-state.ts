/** WebSocket.readyState by name and number, for example "OPEN (1)". */
const NAMES = ['CONNECTING', 'OPEN', 'CLOSING', 'CLOSED'];

export function readyStateText(state: number): string {
  return `${NAMES[state]} (${state})`;
}

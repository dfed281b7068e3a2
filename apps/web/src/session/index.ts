/** Sessions over WebSocket, streaming, long polling and polling: docs/sessions.md says how to use them. */
export { carriers, type CarrierName } from './carrier.ts';
export { nameOfCode, SessionEndedError } from './errors.ts';
export { SessionCode } from './generated.ts';
export { type Payload, type SessionNotice } from './notices.ts';
export { fetchTicket, type SessionOptions } from './options.ts';
export { Session } from './session.ts';

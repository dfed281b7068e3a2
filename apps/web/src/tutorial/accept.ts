import { toBase64, utf8 } from '../shared/bytes.ts';
import { sha1 } from '../shared/sha1.ts';

/** RFC 6455 section 1.3: a fixed text that no server would append by accident. */
export const WEBSOCKET_GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

export interface AcceptSteps {
  concatenated: string;
  digest: Uint8Array;
  accept: string;
}

/** Sec-WebSocket-Accept for a Sec-WebSocket-Key (RFC 6455 section 4.2.2, item 5.4), with the steps on the way. */
export function acceptSteps(key: string): AcceptSteps {
  const concatenated = key + WEBSOCKET_GUID;
  const digest = sha1(utf8(concatenated));
  return { concatenated, digest, accept: toBase64(digest) };
}

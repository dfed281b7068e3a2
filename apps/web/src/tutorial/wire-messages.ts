import { fromHex } from '../shared/bytes.ts';

/** What the server's observer endpoint (/wire) reports about one connection, as the page uses it. */

export interface HandshakeMessage {
  type: 'handshake';
  request: string;
  response: string;
  key: string;
  accept: string;
}

export interface FrameMessage {
  type: 'frame';
  /** "in" is from the browser to the server. */
  direction: 'in' | 'out';
  /** The header as it was on the wire, with the masking key if there is one. */
  header: Uint8Array;
  /** The payload after unmasking, at most its first 256 bytes. */
  payload: Uint8Array;
  truncated: boolean;
}

export interface CloseMessage {
  type: 'close';
  code: number;
  reason: string;
  initiatedBy: 'client' | 'server';
}

export type WireMessage = HandshakeMessage | FrameMessage | CloseMessage;

/** Null for anything that is not one of the three messages: a newer server may report more. */
export function parseWireMessage(text: string): WireMessage | null {
  let json: Record<string, unknown>;
  try {
    json = JSON.parse(text);
  } catch {
    return null;
  }
  const string = (name: string) => (typeof json[name] === 'string' ? (json[name] as string) : '');
  switch (json?.['type']) {
    case 'handshake':
      return {
        type: 'handshake',
        request: string('request'),
        response: string('response'),
        key: string('key'),
        accept: string('accept'),
      };
    case 'frame': {
      const header = fromHex(string('header'));
      const payload = fromHex(string('payload'));
      if (!header || header.length < 2 || !payload) return null;
      const direction = string('direction') === 'out' ? 'out' : 'in';
      return { type: 'frame', direction, header, payload, truncated: json['truncated'] === true };
    }
    case 'close':
      return {
        type: 'close',
        code: Number(json['code']),
        reason: string('reason'),
        initiatedBy: string('initiatedBy') === 'server' ? 'server' : 'client',
      };
    default:
      return null;
  }
}

/** The ends of a link: docs/link-protocol.md says what they say to each other. */
export { fetchAddress } from './address.ts';
export { ComputerPairing, type ComputerOptions } from './computer-pairing.ts';
export * from './generated.ts';
export type { Message as LinkMessage } from './generated.ts';
export { Link } from './link.ts';
export { PhonePairing, type PhoneOptions } from './phone-pairing.ts';
export { Post, type MailboxSession, type PostState } from './post.ts';
export { codeUrl, createSecret, parseSecret } from './secret.ts';
export type { Asker, ComputerState, End, LinkState, Peer, PhoneState, Why } from './states.ts';
export { memoryLinkStore, sessionLinkStore, type LinkStore } from './store.ts';
export { browserTime, type Time } from './time.ts';
export { trustStore, TrustStore, type TrustedEnd } from './trust.ts';

import {
  FILE_TAKEN_BYTES, FILE_WINDOW_BYTES, FileCancelCode, MAX_CHUNK_BYTES, MAX_FILES, MessageType,
  type FileAcceptMessage, type FileCancelMessage, type FileChunkMessage, type FileDoneMessage, type FileEndMessage, type FileOfferMessage, type FileTakenMessage,
} from './generated.ts';

/** SHA-256 in pieces. */
export interface Hash {
  update(bytes: Uint8Array): unknown;
  digest(): Uint8Array;
}

/** What a file is, as its offer says. */
export interface FileDescription {
  readonly id: number;
  readonly size: number;
  readonly name: string;
  readonly mediaType: string;
}

/** Bytes of a file that are to be read, to be handed to loaded, or failed. */
export interface Read {
  readonly id: number;
  readonly offset: number;
  readonly length: number;
}

/** What the sender tells. */
export interface SenderEvents {
  send(message: FileOfferMessage | FileChunkMessage | FileEndMessage | FileCancelMessage): void;
  /** The other end has so many bytes of it. */
  progressed(id: number, taken: number): void;
  /** It is over: null: the other end has it whole; otherwise why not (FileCancelCode). */
  ended(id: number, code: number | null): void;
}

interface Outgoing extends FileDescription {
  // Offered, and whether the other end has accepted. lost: there is nothing to read from, until it is found again.
  state: 'waiting' | 'offered' | 'accepted' | 'whole' | 'lost';
  // Whether the other end may know it.
  isKnown: boolean;
  next: number;
  taken: number;
  hash: Hash;
  hashed: number;
  digest: Uint8Array | null;
  isReading: boolean;
}

/**
 * Files on their way out, without I/O: what is to be read is asked for with next, one piece at a time for each file, and all files in turn. At most 256 KiB
 * are under way that the other end has not taken.
 */
export class FileSender {
  readonly #events: SenderEvents;
  readonly #createHash: () => Hash;
  #files: Outgoing[] = [];
  #chunk = MAX_CHUNK_BYTES;

  constructor(events: SenderEvents, createHash: () => Hash) {
    this.#events = events;
    this.#createHash = createHash;
  }

  /** Offers a file, or lets it wait until fewer than 16 are under way. */
  offer(file: FileDescription): void {
    this.#files.push(this.#outgoing(file, 'waiting', false));
    this.#offerWaiting();
  }

  /** A file that was under way when this end started again, and of which there is only the description now. What the other end has of it stays there. */
  suspend(file: FileDescription, isKnown: boolean): void {
    this.#files.push(this.#outgoing(file, 'lost', isKnown));
  }

  /** A file that was suspended is there again: it goes on from where the other end has it, whose hash of the whole tells whether it is the same. */
  resume(id: number): void {
    const file = this.#find(id);
    if (file?.state !== 'lost') return;
    file.state = 'waiting';
    if (file.isKnown) this.#offer(file);
    else this.#offerWaiting();
  }

  /** Whether the other end may know a file. */
  isKnown(id: number): boolean {
    return this.#find(id)?.isKnown ?? false;
  }

  /** The ends have said HELLO. largestChunk: what the other end takes. */
  restart(largestChunk: number): void {
    this.#chunk = Math.min(largestChunk, MAX_CHUNK_BYTES);
    for (const file of this.#files) {
      if (file.state !== 'waiting' && file.state !== 'lost') this.#offer(file);
    }
  }

  accepted({ id, offset }: FileAcceptMessage): void {
    const file = this.#find(id);
    if (!file) return this.#events.send({ type: MessageType.FileCancel, id, code: FileCancelCode.Unreadable });
    // What is waiting was not offered, so it cannot be accepted; nor can what is behind the end.
    if (offset > file.size || file.state === 'waiting' || file.state === 'lost') return;
    file.state = 'accepted';
    file.next = file.taken = offset;
    this.#events.progressed(id, offset);
    this.#finishIfWhole(file);
  }

  taken(id: number, offset: number): void {
    const file = this.#find(id);
    if (!file || offset > file.next || offset <= file.taken) return;
    file.taken = offset;
    this.#events.progressed(id, offset);
  }

  done(id: number): void {
    if (this.#find(id)) this.#end(id, null);
  }

  /** The other end does not want it, or not any more. */
  cancelled(id: number, code: number): void {
    if (this.#find(id)) this.#end(id, code);
  }

  /** This end does not want to send it any more, or cannot. */
  cancel(id: number, code: number = FileCancelCode.Cancelled): void {
    const file = this.#find(id);
    if (!file) return;
    if (file.state !== 'waiting') this.#events.send({ type: MessageType.FileCancel, id, code });
    this.#end(id, code);
  }

  /** What is to be read next; null: nothing may be sent at the moment. */
  next(): Read | null {
    const index = this.#files.findIndex((file) => file.state === 'accepted' && !file.isReading && (file.hashed < file.next || this.#lengthOf(file) > 0));
    const [file] = index < 0 ? [] : this.#files.splice(index, 1);
    if (!file) return null;
    // To the end of the row, so that a large file does not hold up a small one.
    this.#files.push(file);
    file.isReading = true;
    // What was accepted further on than this end has read is read for the hash alone: the file was begun before a restart.
    return file.hashed < file.next
      ? { id: file.id, offset: file.hashed, length: Math.min(this.#chunk, file.next - file.hashed) }
      : { id: file.id, offset: file.next, length: this.#lengthOf(file) };
  }

  /** What next has asked for. */
  loaded({ id, offset }: Read, bytes: Uint8Array): void {
    const file = this.#find(id);
    if (!file) return;
    file.isReading = false;
    if (offset <= file.hashed && offset + bytes.length > file.hashed) {
      file.hash.update(bytes.subarray(file.hashed - offset));
      file.hashed = offset + bytes.length;
    }

    // Accepted anew meanwhile, at another place: these bytes are not the next ones any more.
    if (file.state !== 'accepted') return;
    if (offset === file.next && offset < file.size) {
      file.next += bytes.length;
      this.#events.send({ type: MessageType.FileChunk, id, offset, payload: bytes });
    }

    this.#finishIfWhole(file);
  }

  #lengthOf({ size, next, taken }: Outgoing): number {
    return Math.min(this.#chunk, size - next, taken + FILE_WINDOW_BYTES - next);
  }

  #finishIfWhole(file: Outgoing): void {
    if (file.next < file.size || file.hashed < file.size) return;
    file.state = 'whole';
    file.digest ??= file.hash.digest();
    this.#events.send({ type: MessageType.FileEnd, id: file.id, hash: file.digest });
  }

  #offerWaiting(): void {
    for (const file of this.#files) {
      if (this.#files.filter(({ isKnown }) => isKnown).length >= MAX_FILES) return;
      if (file.state === 'waiting') this.#offer(file);
    }
  }

  #outgoing(file: FileDescription, state: Outgoing['state'], isKnown: boolean): Outgoing {
    return { ...file, state, isKnown, next: 0, taken: 0, hash: this.#createHash(), hashed: 0, digest: null, isReading: false };
  }

  #offer(file: Outgoing): void {
    file.state = 'offered';
    file.isKnown = true;
    this.#events.send({ type: MessageType.FileOffer, id: file.id, size: file.size, name: file.name, mediaType: file.mediaType });
  }

  #end(id: number, code: number | null): void {
    this.#files = this.#files.filter((file) => file.id !== id);
    this.#events.ended(id, code);
    this.#offerWaiting();
  }

  #find(id: number): Outgoing | undefined {
    return this.#files.find((file) => file.id === id);
  }
}

/** What the receiver tells. */
export interface ReceiverEvents {
  send(message: FileAcceptMessage | FileTakenMessage | FileDoneMessage | FileCancelMessage): void;
  /** A file that the other end would send. It is answered with accept or refuse, at any time. */
  offered(file: FileDescription): void;
  /** The next bytes of a file, to be kept; stored says when they are. */
  store(id: number, bytes: Uint8Array): void;
  progressed(id: number, received: number): void;
  /** It is over: null: everything is stored and its hash is right; otherwise why not (FileCancelCode). */
  ended(id: number, code: number | null): void;
}

interface Incoming extends FileDescription {
  state: 'offered' | 'accepted' | 'whole';
  hash: Hash;
  received: number;
  stored: number;
  taken: number;
}

/** Files on their way in, without I/O. */
export class FileReceiver {
  readonly #events: ReceiverEvents;
  #files: Incoming[] = [];
  // The sender may not have heard that these are done, and offer them again.
  #done: number[] = [];

  constructor(events: ReceiverEvents) {
    this.#events = events;
  }

  offered({ id, size, name, mediaType }: FileOfferMessage): void {
    const file = this.#find(id);
    if (this.#done.includes(id) || file?.state === 'whole') {
      if (!file) this.#events.send({ type: MessageType.FileDone, id });
    } else if (file?.size === size) {
      if (file.state === 'accepted') this.#accept(file);
    } else if (file || this.#files.length >= MAX_FILES) {
      // Another file by the same name, or more than the protocol allows.
      this.#events.send({ type: MessageType.FileCancel, id, code: FileCancelCode.Refused });
    } else {
      this.#files.push({ id, size, name, mediaType, state: 'offered', hash: noHash, received: 0, stored: 0, taken: 0 });
      this.#events.offered({ id, size, name, mediaType });
    }
  }

  /** Takes a file, from the offset on that this end has of it. hash: of what it has. */
  accept(id: number, hash: Hash, offset = 0): void {
    const file = this.#find(id);
    if (file?.state !== 'offered') return;
    file.state = 'accepted';
    file.hash = hash;
    file.received = file.stored = offset;
    this.#accept(file);
  }

  /** This end does not want it, or not any more. */
  cancel(id: number, code: number = FileCancelCode.Cancelled): void {
    if (!this.#find(id)) return;
    this.#events.send({ type: MessageType.FileCancel, id, code });
    this.#end(id, code);
  }

  /** The other end has started again: whether it still knows its files it says when it is asked. */
  restart(): void {
    for (const file of this.#files) {
      if (file.state === 'accepted') this.#accept(file);
    }
  }

  chunk({ id, offset, payload }: FileChunkMessage): void {
    const file = this.#find(id);
    // What was cancelled here may still be under way. Behind a hole nothing is of use: the sender will offer the file again.
    if (file?.state !== 'accepted' || offset !== file.received) return;
    if (payload.length > file.size - offset) return this.cancel(id, FileCancelCode.Damaged);
    file.hash.update(payload);
    file.received += payload.length;
    this.#events.progressed(id, file.received);
    this.#events.store(id, payload);
  }

  /** So many more bytes of it are kept. */
  stored(id: number, length: number): void {
    const file = this.#find(id);
    if (!file) return;
    file.stored += length;
    this.#finishIfStored(file);
    if (file.stored - file.taken < FILE_TAKEN_BYTES && file.stored < file.size) return;
    file.taken = file.stored;
    if (this.#find(id)) this.#events.send({ type: MessageType.FileTaken, id, offset: file.stored });
  }

  whole({ id, hash }: FileEndMessage): void {
    const file = this.#find(id);
    if (this.#done.includes(id)) return this.#events.send({ type: MessageType.FileDone, id });
    if (file?.state !== 'accepted' || file.received !== file.size) return;
    const digest = file.hash.digest();
    if (digest.some((byte, i) => byte !== hash[i])) return this.cancel(id, FileCancelCode.Damaged);
    file.state = 'whole';
    this.#finishIfStored(file);
  }

  /** The sender has given it up. */
  cancelled(id: number, code: number): void {
    if (this.#find(id)) this.#end(id, code);
  }

  #accept(file: Incoming): void {
    file.taken = file.received;
    this.#events.send({ type: MessageType.FileAccept, id: file.id, offset: file.received });
  }

  #finishIfStored(file: Incoming): void {
    if (file.state !== 'whole' || file.stored < file.size) return;
    this.#done = [...this.#done.slice(1 - DONE_IDS), file.id];
    this.#events.send({ type: MessageType.FileDone, id: file.id });
    this.#end(file.id, null);
  }

  #end(id: number, code: number | null): void {
    this.#files = this.#files.filter((file) => file.id !== id);
    this.#events.ended(id, code);
  }

  #find(id: number): Incoming | undefined {
    return this.#files.find((file) => file.id === id);
  }
}

// As many as can be under way in a direction, four times: what is older was answered long ago.
const DONE_IDS = 64;

const noHash: Hash = { update: () => {}, digest: () => new Uint8Array(32) };

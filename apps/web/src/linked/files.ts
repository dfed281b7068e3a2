import { signal, type Signal } from '@preact/signals';
import { sha256 } from '@noble/hashes/sha2.js';
import { FileCancelCode, MAX_FILE_NAME_BYTES, MAX_MEDIA_TYPE_BYTES, MessageType, type Link, type Message } from '../link/index.ts';
import { FileReceiver, FileSender, type FileDescription, type Hash } from '../link/file-transfer.ts';
import { cutToBytes, fileNameToSend, isRaster, safeFileName, safeMediaType } from './file-name.ts';
import { openSink, type Sink } from './file-sink.ts';

/**
 * `waiting`: not begun; `lost`: this page was loaded anew, and may not open the file again by itself; `stopped`: the other end's page was; a number: why it is over (FileCancelCode).
 */
export type FileState = 'waiting' | 'moving' | 'lost' | 'stopped' | 'done' | number;

/** What is kept of a file that is being sent, over a reload. */
export interface StoredFile extends FileDescription {
  readonly time: number;
  /** Whether the other end may have a part of it. */
  readonly isKnown: boolean;
}

/** A file as the page shows it. */
export interface FileEntry {
  readonly kind: 'file';
  readonly key: string;
  readonly isMine: boolean;
  readonly id: number;
  readonly name: string;
  readonly size: number;
  readonly time: number;
  readonly state: Signal<FileState>;
  /** Bytes that the receiver has. */
  readonly moved: Signal<number>;
  /** Where what has come can be saved from, and shown if it is an image. */
  readonly url: Signal<string | null>;
  readonly isImage: boolean;
}

/** Most bytes of a file that is taken. More than a phone holds in any case, and what browsers can be trusted with. */
export const MOST_FILE_BYTES = 2_000_000_000;

const createHash = (): Hash => {
  const hash = sha256.create();
  return { update: (bytes) => hash.update(bytes), digest: () => hash.digest() };
};

/** Files in both directions: reads, writes and shows what the protocol's ends ask for. */
export class Files {
  readonly #link: Link;
  readonly #added: (entry: FileEntry) => void;
  readonly #entries = new Map<string, FileEntry>();
  readonly #sources = new Map<number, File>();
  readonly #lost = new Map<number, StoredFile>();
  readonly #sinks = new Map<number, { readonly sink: Promise<Sink>; last: Promise<void> }>();
  readonly #sender: FileSender;
  readonly #receiver: FileReceiver;
  #isPumping = false;
  #isGreeted = false;

  /**
   * @param stored Those that were being sent when the page was left.
   * @param before Those of the link that this one replaces: what the other end has not had whole is offered again, and what was coming never will.
   */
  constructor(link: Link, added: (entry: FileEntry) => void, stored: readonly StoredFile[] = [], before?: Files) {
    this.#link = link;
    this.#added = added;
    this.#sender = new FileSender(
      {
        // Before the first HELLO nothing is sent: it offers everything.
        send: (message) => { if (this.#isGreeted) link.send(message); },
        progressed: (id, taken) => this.#move(true, id, taken),
        ended: (id, code) => this.#endOutgoing(id, code),
      },
      createHash,
    );
    this.#receiver = new FileReceiver({
      send: (message) => link.send(message),
      offered: (file) => this.#offered(file),
      store: (id, bytes) => this.#store(id, bytes),
      progressed: (id, received) => this.#move(false, id, received),
      ended: (id, code) => this.#endIncoming(id, code),
    });
    for (const file of stored) this.#lose(file);
    if (before) this.#takeOver(before);
  }

  /** What is to be kept over a reload of the files that are being sent. */
  get stored(): readonly StoredFile[] {
    const underWay = [...this.#sources].map(([id, file]) => ({ ...descriptionOf(id, file), time: this.#entries.get(keyOf(true, id))!.time, isKnown: this.#sender.isKnown(id) }));
    return [...this.#lost.values(), ...underWay];
  }

  #lose(file: StoredFile): void {
    const { id, size, name, mediaType } = file;
    this.#lost.set(id, file);
    this.#sender.suspend({ id, size, name, mediaType }, file.isKnown);
    this.#add(file, true, file.time).state.value = 'lost';
  }

  /** Its owner has picked a file again whose page was loaded anew. False: it is another one, by its name or size. */
  resume(entry: FileEntry, file: File): boolean {
    const lost = this.#lost.get(entry.id);
    if (!lost || !isSame(lost, file)) return false;
    this.#lost.delete(entry.id);
    this.#sources.set(entry.id, file);
    if (isRaster(file.type)) entry.url.value = URL.createObjectURL(file);
    entry.state.value = 'waiting';
    this.#sender.resume(entry.id);
    return true;
  }

  #takeOver(before: Files): void {
    for (const id of [...before.#sinks.keys()]) before.#receiver.cancelled(id, FileCancelCode.Cancelled);
    for (const [key, entry] of before.#entries) this.#entries.set(key, entry);
    for (const [id, file] of before.#sources) {
      const entry = this.#entries.get(keyOf(true, id))!;
      entry.state.value = 'waiting';
      entry.moved.value = 0;
      this.#sources.set(id, file);
      this.#sender.offer(descriptionOf(id, file));
    }

    before.#sources.clear();
    for (const lost of before.#lost.values()) {
      const { id, size, name, mediaType } = lost;
      this.#lost.set(id, { ...lost, isKnown: false });
      this.#sender.suspend({ id, size, name, mediaType }, false);
    }
  }

  send(files: Iterable<File>): void {
    for (const file of files) {
      const lost = [...this.#lost.values()].find((other) => isSame(other, file));
      if (lost && this.resume(this.#entries.get(keyOf(true, lost.id))!, file)) continue;
      const id = crypto.getRandomValues(new Uint32Array(1))[0]!;
      const description = descriptionOf(id, file);
      const entry = this.#add(description, true);
      if (isRaster(file.type)) entry.url.value = URL.createObjectURL(file);
      this.#sources.set(id, file);
      this.#sender.offer(description);
    }
  }

  cancel(entry: FileEntry): void {
    if (entry.isMine) this.#sender.cancel(entry.id);
    else this.#receiver.cancel(entry.id);
  }

  /** The ends have said HELLO. */
  sync(isRestarted: boolean): void {
    this.#isGreeted = true;
    this.#sender.restart(this.#link.state.maxChunk);
    if (isRestarted) {
      // Most ends go on at once. A page has to be given its files again.
      for (const id of this.#sinks.keys()) this.#entries.get(keyOf(false, id))!.state.value = 'stopped';
      this.#receiver.restart();
    }

    void this.#pump();
  }

  receive(message: Message): void {
    switch (message.type) {
      case MessageType.FileOffer: return this.#receiver.offered(message);
      case MessageType.FileChunk: return this.#receiver.chunk(message);
      case MessageType.FileEnd: return this.#receiver.whole(message);
      case MessageType.FileAccept: this.#sender.accepted(message); break;
      case MessageType.FileTaken: this.#sender.taken(message.id, message.offset); break;
      case MessageType.FileDone: return this.#sender.done(message.id);
      case MessageType.FileCancel:
        // Ids are random: one of the two does not know it.
        this.#sender.cancelled(message.id, message.code);
        return this.#receiver.cancelled(message.id, message.code);
    }

    void this.#pump();
  }

  /** Whether anything would be lost with the page. */
  get isBusy(): boolean {
    return this.#sources.size > 0 || this.#sinks.size > 0;
  }

  /** The page is done with the link: what was not finished never will be, and what has come is let go of. */
  dispose(): void {
    for (const id of [...this.#sources.keys()]) this.#sender.cancelled(id, FileCancelCode.Cancelled);
    for (const id of [...this.#sinks.keys()]) this.#receiver.cancelled(id, FileCancelCode.Cancelled);
    for (const { url } of this.#entries.values()) {
      if (url.value !== null) URL.revokeObjectURL(url.value);
    }
  }

  async #pump(): Promise<void> {
    if (this.#isPumping) return;
    this.#isPumping = true;
    try {
      for (let read = this.#sender.next(); read; read = this.#sender.next()) {
        await this.#link.ready();
        const source = this.#sources.get(read.id);
        if (!source) continue;
        try {
          const bytes = await source.slice(read.offset, read.offset + read.length).arrayBuffer();
          this.#sender.loaded(read, new Uint8Array(bytes));
        } catch {
          // Its owner has deleted or changed it meanwhile.
          this.#sender.cancel(read.id, FileCancelCode.Unreadable);
        }
      }
    } finally {
      this.#isPumping = false;
    }
  }

  #offered(file: FileDescription): void {
    this.#add(file, false);
    if (file.size > MOST_FILE_BYTES) return this.#receiver.cancel(file.id, FileCancelCode.TooLarge);
    const sink = openSink(file.size);
    this.#sinks.set(file.id, { sink, last: sink.then(() => {}) });
    // What is not accepted yet holds nothing up: chunks follow the acceptance.
    void sink.then(() => this.#receiver.accept(file.id, createHash()));
  }

  #store(id: number, bytes: Uint8Array): void {
    const incoming = this.#sinks.get(id);
    if (!incoming) return;
    incoming.last = incoming.last
      .then(async () => (await incoming.sink).write(bytes as Uint8Array<ArrayBuffer>))
      .then(() => this.#receiver.stored(id, bytes.length), () => this.#receiver.cancel(id, FileCancelCode.TooLarge));
  }

  #endOutgoing(id: number, code: number | null): void {
    this.#sources.delete(id);
    this.#lost.delete(id);
    this.#end(true, id, code);
  }

  #endIncoming(id: number, code: number | null): void {
    const incoming = this.#sinks.get(id);
    this.#sinks.delete(id);
    const entry = this.#entries.get(keyOf(false, id));
    if (!incoming || !entry) return this.#end(false, id, code);
    if (code !== null) {
      void incoming.sink.then((sink) => sink.discard());
      return this.#end(false, id, code);
    }

    void incoming.sink.then((sink) => sink.finish(entry.isImage ? safeMediaType(this.#typeOf(entry)) : safeMediaType(''))).then(
      (blob) => {
        entry.url.value = URL.createObjectURL(blob);
        this.#end(false, id, null);
      },
      () => this.#end(false, id, FileCancelCode.TooLarge),
    );
  }

  readonly #types = new Map<string, string>();

  #typeOf(entry: FileEntry): string {
    return this.#types.get(entry.key) ?? '';
  }

  #add({ id, name, size, mediaType }: FileDescription, isMine: boolean, time = Date.now()): FileEntry {
    const key = keyOf(isMine, id);
    this.#types.set(key, mediaType);
    const entry: FileEntry = {
      kind: 'file', key, isMine, id, name: isMine ? name : safeFileName(name), size, time,
      state: signal<FileState>('waiting'), moved: signal(0), url: signal(null), isImage: isRaster(mediaType),
    };
    this.#entries.set(key, entry);
    this.#added(entry);
    return entry;
  }

  #move(isMine: boolean, id: number, moved: number): void {
    const entry = this.#entries.get(keyOf(isMine, id));
    if (!entry) return;
    entry.moved.value = moved;
    entry.state.value = 'moving';
  }

  #end(isMine: boolean, id: number, code: number | null): void {
    const entry = this.#entries.get(keyOf(isMine, id));
    if (!entry) return;
    if (code === null) entry.moved.value = entry.size;
    entry.state.value = code ?? 'done';
  }
}

const descriptionOf = (id: number, file: File): FileDescription => ({
  id, size: file.size, name: fileNameToSend(file.name || 'file', MAX_FILE_NAME_BYTES), mediaType: cutToBytes(file.type, MAX_MEDIA_TYPE_BYTES),
});

const isSame = ({ id, size, name }: StoredFile, file: File) => size === file.size && name === descriptionOf(id, file).name;

const keyOf = (isMine: boolean, id: number) => `${isMine ? 'out' : 'in'}-${id}`;

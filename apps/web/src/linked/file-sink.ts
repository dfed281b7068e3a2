/** Where the bytes of a file go that comes in. */
export interface Sink {
  write(bytes: Uint8Array<ArrayBuffer>): Promise<void>;
  /** Everything is written. */
  finish(mediaType: string): Promise<Blob>;
  discard(): Promise<void>;
}

// Larger files are written to the browser's own file system where there is one.
const MOST_IN_MEMORY = 4 * 1024 * 1024;

/** Opens a sink for a file of a size. */
export async function openSink(size: number): Promise<Sink> {
  return (size > MOST_IN_MEMORY ? await openDisk() : null) ?? new MemorySink();
}

/** A blob, made of blobs: browsers keep large ones outside of the page's memory. */
class MemorySink implements Sink {
  #parts: Uint8Array<ArrayBuffer>[] = [];
  #blobs: Blob[] = [];
  #waiting = 0;

  write(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    this.#parts.push(bytes);
    this.#waiting += bytes.length;
    if (this.#waiting >= MOST_IN_MEMORY) this.#gather();
    return Promise.resolve();
  }

  finish(mediaType: string): Promise<Blob> {
    this.#gather();
    return Promise.resolve(new Blob(this.#blobs, { type: mediaType }));
  }

  discard(): Promise<void> {
    this.#parts = [];
    this.#blobs = [];
    return Promise.resolve();
  }

  #gather(): void {
    this.#blobs.push(new Blob(this.#parts));
    this.#parts = [];
    this.#waiting = 0;
  }
}

const FOLDER = 'tandem-link';
let folder: Promise<FileSystemDirectoryHandle | null> | null = null;

/** A file of the origin private file system; null: the browser has none, or not here (it takes a secure context). */
async function openDisk(): Promise<Sink | null> {
  try {
    folder ??= ownFolder();
    const directory = await folder;
    if (!directory) return null;
    const name = crypto.randomUUID();
    const handle = await directory.getFileHandle(name, { create: true });
    const stream = await handle.createWritable();
    return {
      write: (bytes) => stream.write(bytes),
      async finish(mediaType) {
        await stream.close();
        const file = await handle.getFile();
        // A slice is the same bytes under another type.
        return file.slice(0, file.size, mediaType);
      },
      async discard() {
        await stream.abort().catch(() => {});
        await directory.removeEntry(name).catch(() => {});
      },
    };
  } catch {
    return null;
  }
}

/** A folder for this page alone. Who holds the lock of its name lives; what others have left behind is removed. */
async function ownFolder(): Promise<FileSystemDirectoryHandle | null> {
  if (!globalThis.navigator?.storage?.getDirectory || !navigator.locks || !('createWritable' in FileSystemFileHandle.prototype)) return null;
  const root = await (await navigator.storage.getDirectory()).getDirectoryHandle(FOLDER, { create: true });
  const name = crypto.randomUUID();
  const isHeld = new Promise<void>((resolve) => {
    void navigator.locks.request(`${FOLDER}/${name}`, () => {
      resolve();
      return new Promise(() => {});
    });
  });
  await isHeld;
  const others: string[] = [];
  for await (const other of root.keys()) others.push(other);
  // Asked behind the list, or a page that starts at this moment would be taken for one that has gone.
  const { held = [] } = await navigator.locks.query();
  for (const other of others) {
    if (!held.some((lock) => lock.name === `${FOLDER}/${other}`)) await root.removeEntry(other, { recursive: true }).catch(() => {});
  }

  return root.getDirectoryHandle(name, { create: true });
}

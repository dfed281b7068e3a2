import { MAX_POSITIONS, type Position } from './generated.ts';

interface Seen {
  readonly offset: number;
  /** When it was last heard of, in events of this topic. */
  readonly heard: number;
}

/** What was seen of each origin of a topic: docs/session-protocol.md, topics. */
export class SeenOrigins {
  readonly #seen = new Map<number, Seen>();
  // Of origins that the present node does not name: not told to the next one, which would report a gap of unknown size each time, but not to be seen twice where one does know them.
  readonly #past = new Map<number, Seen>();
  #heard = 0;

  /** What was seen of the origins that the present node knows. */
  get position(): Position {
    return [...this.#seen].map(([origin, { offset }]) => [origin, offset]);
  }

  /** Goes on from the position of a node, or from what was seen where that is further. */
  begin(start: Position): void {
    for (const [origin, seen] of this.#seen) keep(this.#past, origin, seen);
    this.#seen.clear();
    for (const [origin, offset] of start) {
      const before = this.#past.get(origin)?.offset ?? 0;
      this.#past.delete(origin);
      this.#seen.set(origin, { offset: Math.max(offset, before), heard: ++this.#heard });
    }
  }

  /** Moves on; false: it is there already. */
  advance(origin: number, offset: number): boolean {
    const before = (this.#seen.get(origin) ?? this.#past.get(origin))?.offset ?? 0;
    if (offset <= before) return false;
    this.#past.delete(origin);
    const forgotten = keep(this.#seen, origin, { offset, heard: ++this.#heard });
    if (forgotten) keep(this.#past, ...forgotten);
    return true;
  }
}

/** Keeps what was seen of an origin, and forgets the one that was not heard of for longest where there are too many. */
function keep(position: Map<number, Seen>, origin: number, seen: Seen): [number, Seen] | null {
  let forgotten: [number, Seen] | null = null;
  if (position.size >= MAX_POSITIONS && !position.has(origin)) {
    forgotten = [...position].reduce((one, other) => (other[1].heard < one[1].heard ? other : one));
    position.delete(forgotten[0]);
  }

  position.set(origin, seen);
  return forgotten;
}

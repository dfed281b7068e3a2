import { batch, effect, signal } from '@preact/signals';
import { Session, type CarrierName } from '../session/index.ts';
import { costBetween, distribution, latencyBounds, quantile, Recent, type Cost, type Count, type Sample } from './statistics.ts';

export const carrierNames: readonly CarrierName[] = ['polling', 'longPolling', 'streaming', 'websocket'];

/** What the reader has chosen. */
export const settings = {
  carriers: signal<ReadonlySet<CarrierName>>(new Set(carrierNames)),
  rate: signal(2),
  interval: signal(1),
  size: signal(100),
};

/** What the table shows of a carrier. */
export interface Figures extends Cost {
  readonly messages: number;
  readonly median: number | null;
  readonly p95: number | null;
  readonly missing: number;
  /** All that was counted since the page's run began. */
  readonly total: Count;
}

/** What the charts show: one row a second, by carrier. */
export interface History {
  /** Seconds since the start. */
  readonly times: readonly number[];
  readonly bytes: Series;
  readonly requests: Series;
  readonly processor: readonly (number | null)[];
  /** By latencyBounds. */
  readonly latency: Series;
}

type Series = Readonly<Partial<Record<CarrierName, readonly (number | null)[]>>>;

export type State = 'idle' | 'starting' | 'running' | 'stopped';

export const state = signal<State>('idle');
export const problem = signal<string | null>(null);
export const figures = signal<ReadonlyMap<CarrierName, Figures>>(new Map());
export const history = signal<History>({ times: [], bytes: {}, requests: {}, processor: [], latency: {} });
/** Of one core; null: not known yet. */
export const processor = signal<number | null>(null);
/** Whether the server can tell the bytes of the carriers apart. */
export const isCounted = signal(true);

const SHOWN_SECONDS = 120;
const WINDOW_SECONDS = 10;
// For the quantiles. At 50 messages a second it is a minute and a half.
const KEPT_LATENCIES = 5000;

interface Report {
  readonly time: number;
  readonly processorTime: number;
  readonly isCounted: boolean;
}

/** A carrier that is measured. */
class Lane {
  readonly name: CarrierName;
  readonly session: Session;
  readonly latencies = new Recent(KEPT_LATENCIES);
  readonly samples: Sample[] = [];
  messages = 0;
  missing = 0;
  /** Where the present settings began. */
  base: Sample | null = null;
  #last: number | null = null;

  constructor(name: CarrierName, run: string) {
    this.name = name;
    this.session = new Session(`/lab/${run}/${name}/session`, { carriers: [name], pollInterval: settings.interval.value * 1000 });
  }

  async begin(topic: string): Promise<void> {
    await this.session.connect();
    await this.session.subscribe(topic);
    void this.#read();
  }

  /** The figures begin anew. */
  reset(): void {
    this.base = this.samples.at(-1) ?? null;
    this.latencies.clear();
    this.missing = 0;
  }

  sample(time: number, count: Count): Figures {
    const sample = { time, count, messages: this.messages };
    this.samples.push(sample);
    if (this.samples.length > WINDOW_SECONDS + 1) this.samples.shift();
    this.base ??= sample;
    const sorted = this.latencies.sorted();
    return {
      ...costBetween(this.base, sample),
      messages: sample.messages - this.base.messages,
      median: quantile(sorted, 0.5),
      p95: quantile(sorted, 0.95),
      missing: this.missing,
      total: count,
    };
  }

  /** Of the last seconds. */
  get recent(): Cost {
    return costBetween(this.samples[0]!, this.samples.at(-1)!);
  }

  async #read(): Promise<void> {
    for await (const notice of this.session) {
      if (notice.type === 'gap') this.missing += notice.missed;
      if (notice.type !== 'event' || typeof notice.data !== 'string') continue;
      // The publisher is this page too, so there is one clock.
      const [number, sent] = notice.data.split(' ').map(Number) as [number, number];
      this.latencies.add(performance.now() - sent);
      if (this.#last !== null && number > this.#last + 1) this.missing += number - this.#last - 1;
      this.#last = number;
      this.messages++;
    }
  }
}

let stopRun: (() => Promise<void>) | null = null;

/** Begins to measure; what there was before is forgotten. */
export async function start(): Promise<void> {
  if (stopRun) return;
  const run = Array.from(crypto.getRandomValues(new Uint8Array(4)), (byte) => byte.toString(16).padStart(2, '0')).join('');
  const lanes = carrierNames.filter((name) => settings.carriers.value.has(name)).map((name) => new Lane(name, run));
  const publisher = new Session('/session');
  const stops: (() => void)[] = [];
  const sampler = makeSampler(run, lanes);
  stopRun = async () => {
    for (const stop of stops) stop();
    await Promise.allSettled([publisher, ...lanes.map((lane) => lane.session)].map((session) => session.close()));
    // With what the ends have cost, and again when the server has seen the last of them. The charts show none of it, being made of whole seconds.
    await sampler.once(true);
    setTimeout(() => { if (stopRun === null) void sampler.once(true); }, 1000);
  };
  batch(() => {
    state.value = 'starting';
    problem.value = null;
    figures.value = new Map();
    history.value = { times: [], bytes: {}, requests: {}, processor: [], latency: {} };
  });
  try {
    const topic = `lab/${run}`;
    await publisher.connect();
    // What is told of it is nothing that this page needs.
    void (async () => { for await (const _ of publisher); })().catch(() => {});
    await Promise.all(lanes.map((lane) => lane.begin(topic)));
    stops.push(publish(publisher, topic), follow(lanes), sampler.start());
    state.value = 'running';
  } catch (error) {
    problem.value = error instanceof Error ? error.message : String(error);
    await stop();
    state.value = 'idle';
  }
}

/** Ends the sessions, and counts them to their ends. */
export async function stop(): Promise<void> {
  const stopping = stopRun;
  stopRun = null;
  await stopping?.();
  state.value = 'stopped';
}

/** Publishes at the chosen rate. */
function publish(publisher: Session, topic: string): () => void {
  let number = 0;
  let timer: ReturnType<typeof setInterval> | undefined;
  const stop = effect(() => {
    const size = settings.size.value;
    clearInterval(timer);
    timer = setInterval(() => {
      const stamp = `${number++} ${performance.now().toFixed(2)} `;
      publisher.publish(topic, stamp + noise(size - stamp.length)).catch(() => {});
    }, 1000 / settings.rate.value);
  });
  return () => {
    stop();
    clearInterval(timer);
  };
}

/** Text that compression cannot do much with, since only WebSockets compress. */
function noise(length: number): string {
  return Array.from({ length: Math.max(0, length) }, () => String.fromCharCode(33 + Math.floor(Math.random() * 94))).join('');
}

/** Carries changes of the settings out. */
function follow(lanes: readonly Lane[]): () => void {
  return effect(() => {
    void [settings.rate.value, settings.size.value];
    const interval = settings.interval.value * 1000;
    for (const lane of lanes) {
      lane.session.pollInterval = interval;
      lane.reset();
    }
  });
}

/** Asks the server once a second what it has counted. */
function makeSampler(run: string, lanes: readonly Lane[]): { once: (isLast?: boolean) => Promise<void>; start: () => () => void } {
  const began = performance.now();
  let last: Report | null = null;
  let isBusy = false;
  const once = async (isLast = false) => {
    if (isBusy && !isLast) return;
    isBusy = true;
    try {
      const response = await fetch(`/lab/${run}/figures`, { cache: 'no-store' });
      if (!response.ok) return;
      const report = await response.json() as Report & Record<CarrierName, Count>;
      const found = new Map(lanes.map((lane) => [lane.name, lane.sample(report.time, report[lane.name])]));
      if (isLast) {
        figures.value = found;
        return;
      }

      const percent = last && report.time > last.time ? (100 * (report.processorTime - last.processorTime)) / (report.time - last.time) : null;
      last = report;
      batch(() => {
        isCounted.value = report.isCounted;
        figures.value = found;
        processor.value = percent;
        history.value = extend(history.value, (performance.now() - began) / 1000, lanes, percent);
      });
    } catch {
      // Asked again in a second.
    } finally {
      isBusy = false;
    }
  };
  const start = () => {
    const timer = setInterval(() => void once(), 1000);
    return () => clearInterval(timer);
  };
  return { once, start };
}

function extend(before: History, time: number, lanes: readonly Lane[], percent: number | null): History {
  const add = (values: readonly (number | null)[] | undefined, value: number | null) => [...(values ?? []), value].slice(-SHOWN_SECONDS);
  const series = (name: 'bytes' | 'requests', of: (cost: Cost) => number | null): Series =>
    Object.fromEntries(lanes.map((lane) => [lane.name, add(before[name][lane.name], of(lane.recent))]));
  return {
    times: add(before.times, time) as number[],
    bytes: series('bytes', (cost) => cost.bytesPerMessage),
    requests: series('requests', (cost) => cost.requestsPerMinute),
    processor: add(before.processor, percent),
    latency: Object.fromEntries(lanes.map((lane) => [lane.name, distribution(lane.latencies.sorted(), latencyBounds)])),
  };
}

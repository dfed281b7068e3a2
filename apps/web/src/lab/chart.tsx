import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import type { CarrierName } from '../session/index.ts';
import { carrierNames } from './measurement.ts';
import { text } from './text.ts';

interface Props {
  title: string;
  /** What stands behind the numbers of the axis below. */
  unit: string;
  x: readonly number[];
  series: Readonly<Partial<Record<CarrierName | 'processor', readonly (number | null)[]>>>;
  /** Which scales are logarithmic. */
  log: 'none' | 'x' | 'y';
  testId: string;
}

/** By which a line is known without its colour. */
const dashes: Readonly<Record<CarrierName | 'processor', number[]>> = { polling: [2, 4], longPolling: [8, 5], streaming: [12, 4, 2, 4], websocket: [], processor: [] };

const HEIGHT = 240;

/** What the axis of time shows at least, in seconds. */
const SHORTEST = 20;

/** A chart whose lines are those of the carriers. What it shows is in the table too, for those who cannot see it. */
export function Chart({ title, unit, x, series, log, testId }: Props) {
  const holder = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const names = (log === 'none' ? ['processor'] : carrierNames) as readonly (CarrierName | 'processor')[];

  useEffect(() => {
    const element = holder.current!;
    const make = () => {
      plot.current?.destroy();
      plot.current = new uPlot(options(element, names, log, unit), [[], ...names.map(() => [])], element);
      plot.current.setData(dataOf(current.current.x, current.current.series, names));
    };
    make();
    const resized = new ResizeObserver(() => plot.current?.setSize({ width: element.clientWidth, height: HEIGHT }));
    resized.observe(element);
    // The colours are the theme's.
    const dark = matchMedia('(prefers-color-scheme: dark)');
    dark.addEventListener('change', make);
    return () => {
      resized.disconnect();
      dark.removeEventListener('change', make);
      plot.current?.destroy();
      plot.current = null;
    };
  }, [unit]);

  const current = useRef({ x, series });
  current.current = { x, series };
  useEffect(() => plot.current?.setData(dataOf(x, series, names)), [x, series]);

  return (
    <figure class="chart" data-testid={testId}>
      <figcaption>{title}</figcaption>
      <div ref={holder} role="img" aria-label={`${title}. ${summary(names, series)}`} />
    </figure>
  );
}

/** The latest value of each line. */
function summary(names: readonly (CarrierName | 'processor')[], series: Props['series']): string {
  const { charts, carriers, number } = text.value;
  const parts = names.flatMap((name) => {
    const value = series[name]?.findLast((other) => other !== null);
    return value === undefined || value === null ? [] : [`${name === 'processor' ? charts.processorName : carriers[name]} ${number(value, 1)}`];
  });
  return parts.join(', ') || charts.empty;
}

function dataOf(x: readonly number[], series: Props['series'], names: readonly (CarrierName | 'processor')[]): uPlot.AlignedData {
  // A logarithm has no zero.
  const positive = (value: number | null) => (value !== null && value > 0 ? value : null);
  return [[...x], ...names.map((name) => series[name]?.map(name === 'processor' ? (value) => value : positive) ?? x.map(() => null))] as uPlot.AlignedData;
}

function options(element: HTMLElement, names: readonly (CarrierName | 'processor')[], log: Props['log'], unit: string): uPlot.Options {
  const style = getComputedStyle(element);
  const colour = (name: string) => style.getPropertyValue(name).trim();
  const axis: uPlot.Axis = {
    stroke: colour('--ink-soft'), font: `12px ${style.fontFamily}`, grid: { stroke: colour('--line'), width: 1 }, ticks: { stroke: colour('--line'), width: 1 },
  };
  const plain = (value: number | null) => (value === null ? '' : text.value.number(value, value < 1 ? 1 : 0));
  const label = (value: number) => (log === 'x' && value >= 1000 ? `${plain(value / 1000)} ${text.value.charts.secondsUnit}` : `${plain(value)} ${unit}`);
  return {
    width: element.clientWidth,
    height: HEIGHT,
    legend: { show: false },
    cursor: { show: false },
    scales: {
      x: { time: false, ...(log === 'x' ? { distr: 3, range: [1, 30_000] } : { range: (_, min, max) => [min, Math.max(max, min + SHORTEST)] }) },
      y: log === 'y' ? { distr: 3 } : { range: (_, __, max) => [0, log === 'x' ? 100 : Math.max(10, max * 1.1)] },
    },
    axes: [
      {
        ...axis,
        values: (_, values) => values.map((value) => (value === null ? '' : label(value))),
        ...(log === 'x' ? { filter: powersOfTen } : { space: 70, incrs: [1, 2, 5, 10, 20, 30, 60] }),
      },
      { ...axis, size: 58, values: (_, values) => values.map(plain), ...(log === 'y' ? { filter: powersOfTen } : {}) },
    ],
    series: [{}, ...names.map((name): uPlot.Series => ({ stroke: colour(`--${name}`), width: 2, dash: dashes[name], points: { show: false }, spanGaps: true }))],
  };
}

/** The others would lie on each other. */
function powersOfTen(_: uPlot, values: number[]): (number | null)[] {
  return values.map((value) => (Math.abs(Math.log10(value) % 1) < 1e-9 ? value : null));
}

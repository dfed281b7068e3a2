import type { Signal } from '@preact/signals';
import { announce } from '../shared/announcer.tsx';
import { Contents, Page, PageHeader } from '../shared/page.tsx';
import { Rich } from '../shared/rich.tsx';
import { Section } from '../shared/section.tsx';
import type { CarrierName } from '../session/index.ts';
import { Chart } from './chart.tsx';
import { carrierNames, figures, history, isCounted, problem, processor, settings, start, state, stop } from './measurement.ts';
import { latencyBounds } from './statistics.ts';
import { text } from './text.ts';

export function App() {
  const t = text.value;
  return (
    <Page
      skip={t.skip}
      header={(
        <PageHeader here="/lab" language={t.language} heading={t.heading}>
          <p class="lead">{t.intro}</p>
          <Contents label={t.contents} sections={[['run', t.run.nav], ['figures', t.figures.nav], ['charts', t.charts.nav], ['reading', t.reading.nav]]} />
        </PageHeader>
      )}
      footer={<p>{t.footer} <a href="/tutorial">{t.tutorial}</a></p>}
    >
      <Section id="run" number={1} title={t.run.title} intro={t.run.intro}><Controls /></Section>
      <Section id="figures" number={2} title={t.figures.title} intro={t.figures.intro}><Table /></Section>
      <Section id="charts" number={3} title={t.charts.title} intro={t.charts.intro}><Charts /></Section>
      <Section id="reading" number={4} title={t.reading.title} intro="">
        <ul class="prose">{t.reading.points.map((point) => <li key={point}><Rich text={point} /></li>)}</ul>
      </Section>
    </Page>
  );
}

function Controls() {
  const t = text.value.run;
  const isRunning = state.value === 'running';
  const isStarting = state.value === 'starting';
  const press = async () => {
    if (isRunning) {
      await stop();
      announce(text.value.run.stopped);
    } else {
      await start();
      announce(problem.value === null ? text.value.run.running : text.value.run.failed(problem.value));
    }
  };
  return (
    <div class="lab-controls">
      <fieldset class="which" disabled={isRunning || isStarting}>
        <legend>{t.which}</legend>
        {carrierNames.map((name) => <Choice key={name} name={name} />)}
      </fieldset>
      <div class="selects">
        <Select id="rate" label={t.rate} value={settings.rate} options={[0.1, 0.5, 1, 2, 5, 10, 20, 50]} />
        <Select id="interval" label={t.interval} value={settings.interval} options={[0.2, 0.5, 1, 2, 5, 10]} />
        <Select id="size" label={t.size} value={settings.size} options={[20, 100, 500, 2000, 10000]} />
      </div>
      <div class="button-row">
        <button type="button" class="primary" data-testid="start" disabled={isStarting || settings.carriers.value.size === 0} onClick={() => void press()}>
          {isRunning ? t.stop : isStarting ? t.starting : t.start}
        </button>
      </div>
      {problem.value !== null && <p class="error" data-testid="problem">{t.failed(problem.value)}</p>}
      <p class="hint" data-testid="state" data-state={state.value}>{isRunning ? t.running : state.value === 'stopped' ? t.stopped : t.hidden}</p>
    </div>
  );
}

function Choice({ name }: { name: CarrierName }) {
  const chosen = settings.carriers.value;
  const change = (event: Event) => {
    const next = new Set(chosen);
    if ((event.currentTarget as HTMLInputElement).checked) next.add(name);
    else next.delete(name);
    settings.carriers.value = next;
  };
  return (
    <label class="choice">
      <input type="checkbox" checked={chosen.has(name)} onChange={change} data-testid={`choose-${name}`} />
      <Swatch name={name} /> {text.value.carriers[name]}
    </label>
  );
}

function Swatch({ name }: { name: CarrierName }) {
  return <svg class={`swatch ${name}`} viewBox="0 0 36 6" width="36" height="6" aria-hidden="true"><path d="M0 3h36" /></svg>;
}

function Select({ id, label, value, options }: { id: string; label: string; value: Signal<number>; options: readonly number[] }) {
  return (
    <div>
      <label for={id}>{label}</label>
      <select id={id} data-testid={id} value={value.value} onChange={(event) => { value.value = Number(event.currentTarget.value); }}>
        {options.map((option) => <option key={option} value={option}>{text.value.number(option, 1)}</option>)}
      </select>
    </div>
  );
}

function Table() {
  const { figures: t, carriers, number } = text.value;
  const shown = (value: number | null | undefined, digits = 0) => (value === null || value === undefined ? t.none : number(value, digits));
  const time = (value: number | null | undefined) => (value === null || value === undefined ? t.none : t.milliseconds(value));
  return (
    <>
      {!isCounted.value && <p class="notice">{<Rich text={t.notCounted} />}</p>}
      <div class="scrolls" role="region" aria-label={t.scroll} tabIndex={0}>
        <table class="figures" data-testid="figures">
          <thead>
            <tr>
              <th scope="col">{t.carrier}</th><th scope="col">{t.bytes}</th><th scope="col">{t.up}</th><th scope="col">{t.requests}</th>
              <th scope="col">{t.median}</th><th scope="col">{t.p95}</th><th scope="col">{t.messages}</th><th scope="col">{t.missing}</th>
            </tr>
          </thead>
          <tbody>
            {carrierNames.map((name) => {
              const found = figures.value.get(name);
              const isKnown = isCounted.value;
              return (
                <tr
                  key={name} data-testid={`row-${name}`}
                  data-bytes={found && found.total.up + found.total.down} data-requests={found?.total.requests} data-messages={found?.messages}
                >
                  <th scope="row"><Swatch name={name} /> {carriers[name]}</th>
                  <td>{shown(isKnown ? found?.bytesPerMessage : null)}</td>
                  <td>{shown(isKnown ? found?.upPerMessage : null)}</td>
                  <td>{shown(isKnown ? found?.requestsPerMinute : null, 1)}</td>
                  <td>{time(found?.median)}</td>
                  <td>{time(found?.p95)}</td>
                  <td>{shown(found?.messages)}</td>
                  <td>{shown(found?.missing)}</td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
      {processor.value !== null && <p class="hint" data-testid="processor">{t.processor(processor.value)}</p>}
    </>
  );
}

function Charts() {
  const { charts: t, carriers } = text.value;
  const { times, bytes, requests, processor: percent, latency } = history.value;
  return (
    <>
      <ul class="legend">{carrierNames.map((name) => <li key={name}><Swatch name={name} /> {carriers[name]}</li>)}</ul>
      <div class="charts">
        <Chart testId="chart-bytes" title={t.bytes} unit={t.secondsUnit} x={times} series={bytes} log="y" />
        <Chart testId="chart-requests" title={t.requests} unit={t.secondsUnit} x={times} series={requests} log="y" />
        <Chart testId="chart-latency" title={t.latency} unit={t.millisecondsUnit} x={latencyBounds} series={latency} log="x" />
        <Chart testId="chart-processor" title={t.processor} unit={t.secondsUnit} x={times} series={{ processor: percent }} log="none" />
      </div>
    </>
  );
}

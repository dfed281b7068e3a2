import { computed, signal } from '@preact/signals';
import { observer } from './chat-session.ts';
import { clockTime } from './event-log.ts';
import { decodeFrame } from './frame-fields.ts';
import { FrameGrid } from './frame-grid.tsx';
import { FrameTable } from './frame-table.tsx';
import { Section } from '../shared/section.tsx';
import { text } from './text.ts';
import { Unmasking } from './unmasking.tsx';
import { WireNotice } from './wire-notice.tsx';
import type { ObservedFrame } from './wire-observer.ts';

/** The newest frame of one direction, or a certain frame for as long as it is among the kept ones. */
type Choice = 'in' | 'out' | ObservedFrame;

const wanted = signal<Choice>('in');

const keptFrames = computed(() => observer.value?.frames.value ?? []);

const choice = computed<Choice>(() => {
  const now = wanted.value;
  return typeof now === 'string' || keptFrames.value.includes(now) ? now : now.direction;
});

const shown = computed(() => {
  const now = choice.value;
  const frame = typeof now === 'string' ? keptFrames.value.findLast(({ direction }) => direction === now) : now;
  return frame && { frame, decoded: decodeFrame(frame) };
});

export function FrameView() {
  const t = text.value.frames;
  const watcher = observer.value;
  const frames = keptFrames.value;
  const close = watcher?.close.value;
  return (
    <Section id="frames" number={3} title={t.title} intro={t.intro}>
      <WireNotice observer={watcher} ready={watcher?.handshake.value != null || frames.length > 0}>
        <Chooser frames={frames} />
        {shown.value ? <Shown {...shown.value} /> : <p class="wire-notice">{choice.value === 'out' ? t.noneOut : t.noneIn}</p>}
        {close && <p class="close-report">{t.closeReport(close.code, close.reason, close.initiatedBy === 'client')}</p>}
      </WireNotice>
    </Section>
  );
}

function Chooser({ frames }: { frames: readonly ObservedFrame[] }) {
  const t = text.value.frames;
  const now = choice.value;
  return (
    <div class="chooser">
      <div class="segmented" role="group" aria-label={t.choose}>
        <button type="button" aria-pressed={now === 'in'} data-testid="frame-last-in" onClick={() => { wanted.value = 'in'; }}>{t.lastIn}</button>
        <button type="button" aria-pressed={now === 'out'} data-testid="frame-last-out" onClick={() => { wanted.value = 'out'; }}>{t.lastOut}</button>
      </div>
      <div class="input">
        <label for="frame-pick">{t.pick}</label>
        <select
          id="frame-pick" data-testid="frame-pick"
          value={typeof now === 'string' ? '' : String(now.number)}
          onChange={({ currentTarget: { value } }) => {
            wanted.value = frames.find(({ number }) => String(number) === value) ?? 'in';
          }}
        >
          <option value="">{t.pickNone}</option>
          {frames.map((frame) => {
            const { opcode, length } = decodeFrame(frame);
            const name = t.opcodes[opcode] ?? t.reservedOpcode;
            return (
              <option key={frame.number} value={String(frame.number)}>
                {t.option(frame.number, frame.direction === 'in', name, length, clockTime(frame.time))}
              </option>
            );
          })}
        </select>
      </div>
    </div>
  );
}

function Shown({ frame, decoded }: NonNullable<typeof shown.value>) {
  const t = text.value.frames;
  return (
    <>
      <h3>{t.showing(frame.number, frame.direction === 'in')}</h3>
      <FrameGrid decoded={decoded} />
      <FrameTable decoded={decoded} truncated={frame.truncated} />
      <Unmasking decoded={decoded} />
    </>
  );
}

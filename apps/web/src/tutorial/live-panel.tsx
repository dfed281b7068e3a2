import { connection } from './chat-session.ts';
import { readyStateText } from './ready-state.ts';
import { text } from './text.ts';

/** Smaller amounts leave the browser before a bar could be seen. */
const WORTH_A_BAR = 65536;

/** readyState in large letters, before everything else: all other things depend on it. */
export function StateLine() {
  const t = text.value;
  const live = connection.value?.live.value;
  return (
    <p class="state" data-state={live ? live.readyState : 'none'}>
      <span class="lamp" aria-hidden="true" />
      <span class="state-label">readyState</span>
      <strong data-testid="ready-state">{live ? readyStateText(live.readyState) : t.live.noneYet}</strong>
      <span class="hint">{live ? t.live.states[live.readyState] : t.live.noState}</span>
    </p>
  );
}

/** The other properties of the WebSocket as they are now. */
export function LivePanel() {
  const t = text.value;
  const live = connection.value?.live.value;
  const property = (value: string | undefined) => (live ? value || t.none : '–');
  return (
    <section class="live" aria-labelledby="live-title">
      <h3 id="live-title">{t.live.title}</h3>
      <dl class="properties">
        <dt>bufferedAmount</dt>
        <dd>
          <span data-testid="buffered-amount">{live ? t.count(live.bufferedAmount) : '–'}</span>
          {live && live.highestBufferedAmount > 0 && <span class="hint"> {t.live.peak(live.highestBufferedAmount)}</span>}
          {live && live.highestBufferedAmount >= WORTH_A_BAR && (
            <progress aria-label="bufferedAmount" max={live.highestBufferedAmount} value={live.bufferedAmount} />
          )}
        </dd>
        <dt>protocol</dt>
        <dd data-testid="protocol">{property(live?.protocol)}</dd>
        <dt>extensions</dt>
        <dd data-testid="extensions">{property(live?.extensions)}</dd>
        <dt>binaryType</dt>
        <dd>{property(live?.binaryType)}</dd>
        <dt>url</dt>
        <dd>{property(live?.url)}</dd>
      </dl>
    </section>
  );
}

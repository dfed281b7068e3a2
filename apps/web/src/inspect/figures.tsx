import type { ComponentChildren } from 'preact';
import { rates, report } from './feed.ts';
import { text } from './text.ts';
import { bytes } from './units.ts';

/** The figures of the whole server. */
export function FiguresView() {
  const t = text.value;
  const now = report.value;
  if (!now) return null;
  const { number } = t;
  const { figures } = now;
  const rate = rates.value;
  const perSecond = (messages: number | undefined, octets: number | undefined) =>
    (messages === undefined || octets === undefined ? '–' : t.figures.perSecond(number(messages), bytes(octets, number)));
  const accepted = figures.handshakes['accepted'] ?? 0;
  const others = Object.values(figures.handshakes).reduce((sum, count) => sum + count, 0) - accepted;
  return (
    <section class="section first" aria-labelledby="figures-title">
      <h2 id="figures-title">{t.figures.title}</h2>
      <dl class="figures">
        <Figure name={t.figures.connections} id="connections">{number(figures.connections)}</Figure>
        <Figure name={t.figures.received} id="received">{perSecond(rate?.messagesReceived, rate?.bytesReceived)}</Figure>
        <Figure name={t.figures.sent} id="sent">{perSecond(rate?.messagesSent, rate?.bytesSent)}</Figure>
        <Figure name={t.figures.buffered} id="buffered">{bytes(figures.buffered, number)}</Figure>
        <Figure name={t.figures.compression} id="compression" hint={t.figures.ofWhich}>{bytes(figures.compressionMemory, number)}</Figure>
        <Figure name={t.figures.handshakes} id="handshakes">{t.figures.outcomes(number(accepted), number(others))}</Figure>
        <Figure name={t.figures.dropped} id="dropped">{number(figures.dropped)}</Figure>
        <Figure name={t.figures.busy} id="busy">
          {figures.busySeconds.length === 0 ? t.figures.none : rate ? rate.busy.map((share) => `${number(share * 100)}\u00a0%`).join(' · ') : '–'}
        </Figure>
      </dl>
    </section>
  );
}

function Figure({ name, id, hint, children }: { name: string; id: string; hint?: string; children: ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd data-testid={`figure-${id}`}>{children}</dd>
      {hint && <dd class="hint">{hint}</dd>}
    </div>
  );
}

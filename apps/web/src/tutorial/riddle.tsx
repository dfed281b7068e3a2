import { signal } from '@preact/signals';
import { announce } from '../shared/announcer.tsx';
import { locale } from '../shared/i18n.ts';
import { Rich } from '../shared/rich.tsx';
import { randomUuid } from '../shared/uuid.ts';
import { ChatConnection } from './chat-connection.ts';
import type { Saying } from './event-log.ts';
import { headerValue, RawHttp } from './raw-http.tsx';
import { Section } from '../shared/section.tsx';
import { socketUrl } from './socket-url.ts';
import { text } from './text.ts';
import { WireNotice } from './wire-notice.tsx';
import { WireObserver } from './wire-observer.ts';

interface Attempt {
  offered: string[];
  observer: WireObserver;
  events: readonly Saying[];
  outcome: 'running' | 'opened' | 'failed';
}

const attempt = signal<Attempt | null>(null);

async function tryToConnect(offered: string[]): Promise<void> {
  if (attempt.peek()?.outcome === 'running') return;
  const id = randomUuid();
  const observer = new WireObserver(id);
  attempt.peek()?.observer.stop();
  attempt.value = { offered, observer, events: [], outcome: 'running' };
  await observer.ready;

  const happened = (say: Saying, outcome?: Attempt['outcome']) => {
    const now = attempt.peek();
    if (now?.observer !== observer) return;
    attempt.value = { ...now, events: [...now.events, say], outcome: outcome ?? now.outcome };
  };
  let opened = false;
  const connection = new ChatConnection(socketUrl('/chat/riddle', { lang: locale.peek(), id }), offered, {
    open() {
      opened = true;
      const { protocol } = connection.live.peek();
      happened((t) => t.riddle.open(protocol), 'opened');
      announceOutcome();
      connection.close(1000);
    },
    message() {},
    error() {
      happened((t) => t.riddle.error);
    },
    close({ code, reason, wasClean }) {
      happened((t) => t.riddle.close(code, reason, wasClean), opened ? undefined : 'failed');
      if (!opened) announceOutcome();
      observer.stopSoon();
    },
  });
}

export function Riddle() {
  const t = text.value.riddle;
  const now = attempt.value;
  return (
    <Section id="riddle" number={4} title={t.title} intro={t.intro}>
      <div class="button-row riddle-buttons">
        <div>
          <code>new WebSocket(url)</code>
          <button type="button" class={now ? '' : 'primary'} data-testid="riddle-fail" onClick={() => void tryToConnect([])}>{t.fail}</button>
        </div>
        <div>
          <code>new WebSocket(url, "chat")</code>
          <button type="button" class={now?.outcome === 'failed' ? 'primary' : ''} data-testid="riddle-retry" onClick={() => void tryToConnect(['chat'])}>{t.retry}</button>
        </div>
      </div>

      <div class="riddle-result" data-testid="riddle-result" data-outcome={now?.outcome ?? 'none'}>
        {now ? <Result attempt={now} /> : <p class="hint">{t.before}</p>}
      </div>

      {now && now.outcome !== 'running' && (
        <div class="pair">
          <Explanation title={t.whyTitle} items={t.why} />
          <Explanation title={t.silenceTitle} items={t.silence} />
        </div>
      )}
    </Section>
  );
}

function Result({ attempt: { offered, observer, events, outcome } }: { attempt: Attempt }) {
  const t = text.value;
  const expected = (outcome === 'opened') === (offered.length > 0);
  const handshake = observer.handshake.value;
  const named = handshake && headerValue(handshake.response, 'sec-websocket-protocol');
  const asked = handshake && headerValue(handshake.request, 'sec-websocket-protocol');
  const allowed = !named || (asked ?? '').split(',').some((part) => part.trim() === named);
  const marked = ['sec-websocket-protocol'];
  return (
    <>
      <p class={`verdict ${outcome === 'running' ? '' : outcome === 'opened' ? 'good' : 'bad'}`}>
        <strong>{outcome === 'running' ? '' : outcome === 'opened' ? '✓ ' : '✗ '}{outcomeText(outcome, expected)}</strong>
      </p>
      {outcome !== 'running' && (
        <>
          <h3>{t.riddle.eventsTitle}</h3>
          <ol class="events">{events.map((say) => <li>{say(t)}</li>)}</ol>
          <h3>{t.riddle.compareTitle}</h3>
          <WireNotice observer={observer} ready={handshake !== null}>
            <dl class="properties">
              <dt>{t.riddle.offered}</dt><dd data-testid="riddle-offered">{asked || t.none}</dd>
              <dt>{t.riddle.named}</dt><dd data-testid="riddle-named">{named || t.none}</dd>
              <dt>{t.riddle.verdict}</dt><dd><strong>{allowed ? t.riddle.allowed : t.riddle.forbidden}</strong></dd>
            </dl>
            {handshake && (
              <div class="pair">
                <RawHttp raw={handshake.request} marked={marked} label={t.handshake.request} />
                <RawHttp raw={handshake.response} marked={marked} label={t.handshake.response} />
              </div>
            )}
          </WireNotice>
        </>
      )}
    </>
  );
}

function Explanation({ title, items }: { title: string; items: string[] }) {
  return (
    <div class="prose">
      <h3>{title}</h3>
      {items.map((item) => <p><Rich text={item} /></p>)}
    </div>
  );
}

function outcomeText(outcome: Attempt['outcome'], expected: boolean): string {
  const t = text.value.riddle;
  if (outcome === 'running') return t.running;
  if (outcome === 'opened') return expected ? t.solved : t.unexpectedOpen;
  return expected ? t.failed : t.unexpectedFail;
}

function announceOutcome(): void {
  const now = attempt.peek();
  if (now) announce(outcomeText(now.outcome, (now.outcome === 'opened') === (now.offered.length > 0)));
}

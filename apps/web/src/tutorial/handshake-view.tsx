import { toHex } from '../shared/bytes.ts';
import { Rich } from '../shared/rich.tsx';
import { acceptSteps, WEBSOCKET_GUID } from './accept.ts';
import { observer } from './chat-session.ts';
import { RawHttp } from './raw-http.tsx';
import { Section } from '../shared/section.tsx';
import { text } from './text.ts';
import type { HandshakeMessage } from './wire-messages.ts';
import { WireNotice } from './wire-notice.tsx';

/** The lines without which there is no WebSocket (RFC 6455 sections 4.2.1 and 4.2.2). */
const MARKED = ['upgrade', 'connection', 'sec-websocket-key', 'sec-websocket-accept'];

export function HandshakeView() {
  const t = text.value.handshake;
  const handshake = observer.value?.handshake.value ?? null;
  return (
    <Section id="handshake" number={2} title={t.title} intro={t.intro}>
      <WireNotice observer={observer.value} ready={handshake !== null}>
        {handshake && <Messages handshake={handshake} />}
        {handshake && <Steps handshake={handshake} />}
      </WireNotice>
      <h3>{t.provesTitle}</h3>
      <ul class="prose">{t.proves.map((item) => <li><Rich text={item} /></li>)}</ul>
    </Section>
  );
}

function Messages({ handshake }: { handshake: HandshakeMessage }) {
  const t = text.value.handshake;
  return (
    <>
      <div class="pair">
        <div>
          <h3>{t.request}</h3>
          <RawHttp raw={handshake.request} marked={MARKED} testid="handshake-request" label={t.request} />
        </div>
        <div>
          <h3>{t.response}</h3>
          <RawHttp raw={handshake.response} marked={MARKED} testid="handshake-response" label={t.response} />
        </div>
      </div>
      <ul class="prose marked-lines">
        <li><mark>Upgrade</mark> <Rich text={t.lines.upgrade} /></li>
        <li><mark>Connection</mark> <Rich text={t.lines.connection} /></li>
        <li><mark>Sec-WebSocket-Key</mark> <Rich text={t.lines.key} /></li>
        <li><mark>Sec-WebSocket-Accept</mark> <Rich text={t.lines.accept} /></li>
      </ul>
    </>
  );
}

function Steps({ handshake }: { handshake: HandshakeMessage }) {
  const t = text.value.handshake;
  const { key, accept } = handshake;
  const computed = acceptSteps(key);
  const equal = computed.accept === accept;
  return (
    <>
      <h3>{t.stepsTitle}</h3>
      <ol class="steps">
        <li>{t.steps.key} <code class="value">{key}</code></li>
        <li>{t.steps.guid} <code class="value">{key}<mark>{WEBSOCKET_GUID}</mark></code></li>
        <li>{t.steps.sha1} <code class="value">{toHex(computed.digest, ' ')}</code></li>
        <li>{t.steps.base64} <code class="value" data-testid="accept-computed">{computed.accept}</code></li>
        <li>
          {t.steps.compare} <code class="value">{accept}</code>
          <p class={equal ? 'verdict good' : 'verdict bad'}>
            <strong data-testid="accept-equal">{equal ? t.equal : t.different}</strong> {equal ? t.equalWhy : t.differentWhy}
          </p>
        </li>
      </ol>
    </>
  );
}

import { useSignal } from '@preact/signals';
import { announce } from '../shared/announcer.tsx';
import { fromHex } from '../shared/bytes.ts';
import { Rich } from '../shared/rich.tsx';
import { answer, close, connect, connection, notice, sendBinary, sendMuch, sendText, showState } from './chat-session.ts';
import { EventLogView } from './event-log-view.tsx';
import { LivePanel, StateLine } from './live-panel.tsx';
import { Section } from '../shared/section.tsx';
import { text } from './text.ts';

export function Demo() {
  const t = text.value.demo;
  return (
    <Section id="talk" number={1} title={t.title} intro={t.intro}>
      <div class="demo">
        <StateLine />
        <Controls />
        <div class="observed">
          <LivePanel />
          <EventLogView />
        </div>
      </div>
    </Section>
  );
}

function Answer() {
  const t = text.value.demo;
  return (
    <section class="answer" aria-labelledby="answer-title">
      <h3 id="answer-title">{t.answer}</h3>
      <p class="answer-text" data-testid="answer">{answer.value}</p>
      {!answer.value && <p class="hint">{t.noAnswer}</p>}
    </section>
  );
}

function Controls() {
  const t = text.value.demo;
  const subprotocols = useSignal('chat');
  const name = useSignal('beston');
  const hex = useSignal('48 65 6c 6c 6f');
  const badHex = useSignal(false);
  const code = useSignal('1000');
  const reason = useSignal('');

  const offered = subprotocols.value.split(',').map((part) => part.trim()).filter(Boolean);
  // The next useful step is the one that stands out.
  const open = connection.value?.live.value.readyState === WebSocket.OPEN;

  const act = (action: () => void) => (event: SubmitEvent | MouseEvent) => {
    event.preventDefault();
    notice.value = null;
    action();
  };
  const sendHex = () => {
    const bytes = fromHex(hex.value);
    badHex.value = bytes === null;
    if (bytes) sendBinary(bytes);
    else announce(t.badHex);
  };
  const closeNow = () => close(code.value.trim() === '' ? undefined : Number(code.value), reason.value || undefined);

  return (
    <div class="controls">
      <form class="control" onSubmit={act(() => void connect(offered))}>
        <Input id="subprotocols" label={t.subprotocols} value={subprotocols} hint={t.subprotocolsHint} code />
        <button type="submit" class={open ? '' : 'primary'} data-testid="connect">{t.connect}</button>
      </form>

      <form class="control" onSubmit={act(() => sendText(name.value))}>
        <Input id="name-input" label={t.name} value={name} autocomplete="nickname" />
        <button type="submit" class={open ? 'primary' : ''} data-testid="send-name">{t.sendName}</button>
      </form>

      <Answer />

      {notice.value && <p class="notice">{notice.value(text.value)}</p>}

      <form class="control" onSubmit={act(sendHex)}>
        <Input id="binary-input" label={t.binary} value={hex} code error={badHex.value ? t.badHex : undefined} />
        <button type="submit" data-testid="send-binary">{t.sendBinary}</button>
      </form>

      <form class="control control-close" onSubmit={act(closeNow)}>
        <Input id="close-code" label={t.code} value={code} inputMode="numeric" code />
        <Input id="close-reason" label={t.reason} value={reason} />
        <button type="submit" data-testid="close">{t.close}</button>
        <p class="hint">{t.closeHint}</p>
      </form>

      <div class="button-row">
        <button type="button" data-testid="show-state" onClick={act(showState)}>{t.showState}</button>
        <button type="button" data-testid="send-much" onClick={act(sendMuch)}>{t.blast}</button>
      </div>

      <div class="code">
        <h3>{t.codeTitle}</h3>
        <pre tabIndex={0}><code>{sampleCode(offered, name.value)}</code></pre>
      </div>
    </div>
  );
}

/** The script that a reader would write for the same conversation. */
function sampleCode(offered: string[], name: string): string {
  const second = offered.length === 0 ? '' : `, ${JSON.stringify(offered.length === 1 ? offered[0] : offered)}`;
  return [
    `const socket = new WebSocket("/chat"${second});`,
    `socket.onopen = () => socket.send(${JSON.stringify(name)});`,
    'socket.onmessage = (event) => show(event.data);',
  ].join('\n');
}

interface InputProps {
  id: string;
  label: string;
  value: { value: string };
  hint?: string;
  error?: string | undefined;
  /** True for machine text: no spell checker, and a font in which every character has the same width. */
  code?: boolean;
  inputMode?: 'numeric';
  autocomplete?: 'nickname';
}

function Input({ id, label, value, hint, error, code, inputMode, autocomplete }: InputProps) {
  const help = error ?? hint;
  return (
    <div class="input">
      <label for={id}>{label}</label>
      <input
        id={id} data-testid={id} type="text" value={value.value}
        onInput={({ currentTarget }) => { value.value = currentTarget.value; }}
        class={code ? 'mono' : undefined} spellcheck={false} inputMode={inputMode}
        autocomplete={autocomplete ?? 'off'} autocapitalize="off"
        aria-invalid={error ? true : undefined} aria-describedby={help ? `${id}-help` : undefined}
      />
      {help && <p class={error ? 'error' : 'hint'} id={`${id}-help`}><Rich text={help} /></p>}
    </div>
  );
}

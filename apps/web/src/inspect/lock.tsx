import { useState } from 'preact/hooks';
import { enter } from './feed.ts';
import { text } from './text.ts';

/** Asks for the token. It goes into the body of a request, never into an address, which would be logged and remembered. */
export function Lock() {
  const t = text.value.lock;
  const [token, type] = useState('');
  const [wrong, setWrong] = useState(false);

  async function submit(event: Event) {
    event.preventDefault();
    setWrong(!(await enter(token).catch(() => false)));
  }

  return (
    <form class="lock" onSubmit={(event) => void submit(event)}>
      <h2>{t.title}</h2>
      <label for="token">{t.label}</label>
      <input
        id="token" data-testid="token" class="mono" type="password" autocomplete="current-password" required value={token} aria-describedby="token-hint token-wrong"
        aria-invalid={wrong || undefined} onInput={({ currentTarget }) => type(currentTarget.value)}
      />
      <p class="hint" id="token-hint">{t.hint}</p>
      <p class="error" id="token-wrong" role="alert">{wrong ? t.wrong : ''}</p>
      <button type="submit" class="primary" data-testid="enter">{t.enter}</button>
    </form>
  );
}

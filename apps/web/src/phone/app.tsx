import type { Asker } from '../link/index.ts';
import { DeadView } from '../linked/dead-view.tsx';
import { Frame } from '../linked/frame.tsx';
import { LinkedView } from '../linked/linked-view.tsx';
import { StepHeading } from '../linked/step.tsx';
import { text } from '../linked/text.ts';
import { IdleView } from './idle-view.tsx';
import { address, choose, conversation, isRelinking, noneOfThese, refuse, reset, state, trust } from './model.ts';
import { isSameNetwork } from './network.ts';

export function App() {
  return <Frame><Step /></Frame>;
}

function Step() {
  const t = text.value;
  const now = state.value;
  switch (now.step) {
    case 'idle':
      return <IdleView key="idle" />;
    case 'claiming':
      return (
        <div class="card" key="claiming" data-testid="claiming">
          <StepHeading>{t.claiming.title}</StepHeading>
          <p>{t.claiming.text}</p>
          <button type="button" class="wide" data-testid="refuse" onClick={refuse}>{t.cancel}</button>
        </div>
      );
    case 'asked':
      return (
        <div class="card" key="asked" data-testid="asked">
          <StepHeading>{t.asked.title}</StepHeading>
          <AskerCard asker={now.computer} />
          <p>{t.asked.wait}</p>
          <button type="button" class="wide" data-testid="refuse" onClick={refuse}>{t.asked.refuse}</button>
        </div>
      );
    case 'choosing':
      return (
        <div class="card" key="choosing" data-testid="choosing">
          <StepHeading>{t.choosing.title}</StepHeading>
          <div class="numbers" role="group" aria-label={t.choosing.choices}>
            {now.numbers.map((number) => <button type="button" key={number} data-testid="choice" onClick={() => choose(number)}>{number}</button>)}
          </div>
          <button type="button" class="wide" data-testid="none" onClick={noneOfThese}>{t.choosing.none}</button>
          <h2>{t.asked.title}</h2>
          <AskerCard asker={now.computer} />
          <button type="button" class="quiet" data-testid="refuse" onClick={refuse}>{t.asked.refuse}</button>
        </div>
      );
    case 'linked':
      return conversation.value && <LinkedView key="linked" conversation={conversation.value} role="phone" trust={trust} />;
    case 'dead':
      return <DeadView key="dead" role="phone" why={isRelinking.value && (now.why === 'noSuchCode' || now.why === 'noAnswer') ? 'away' : now.why} isAlarm={now.alarm} reason={now.reason} onAgain={reset} />;
  }
}

/** Who asks, as far as it is known: what the computer says of itself, and what the server has seen of both. */
function AskerCard({ asker }: { asker: Asker }) {
  const t = text.value.asked;
  const isKnown = asker.address !== '' && address.value !== '';
  return (
    <>
      <dl class="asker" data-testid="asker">
        <dt>{t.site}</dt><dd class="mono">{asker.origin}</dd>
        <dt>{t.browser}</dt><dd>{asker.browser}</dd>
        <dt>{t.address}</dt>
        <dd><span class="mono">{asker.address || t.unknown}</span>{isKnown && <span class="hint" data-testid="network"> {isSameNetwork(asker.address, address.value) ? t.same : t.other}</span>}</dd>
      </dl>
      {asker.origin !== location.origin && <p class="notice" data-testid="foreign">{t.foreign(asker.origin)}</p>}
    </>
  );
}

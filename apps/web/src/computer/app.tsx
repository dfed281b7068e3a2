import { DeadView } from '../linked/dead-view.tsx';
import { nameOf } from '../linked/device.ts';
import { Frame } from '../linked/frame.tsx';
import { LinkedView } from '../linked/linked-view.tsx';
import { StepHeading } from '../linked/step.tsx';
import { text } from '../linked/text.ts';
import { CodeView } from './code-view.tsx';
import { conversation, ended, newCode, state, trust } from './model.ts';

export function App() {
  return <Frame here="/"><Step /></Frame>;
}

function Step() {
  const t = text.value;
  const now = state.value;
  const over = ended.value;
  if (over && now.step !== 'linked') return <DeadView key="ended" role="computer" why={over.why} isAlarm={over.alarm} reason={over.reason} onAgain={newCode} />;
  switch (now.step) {
    case 'starting':
      return <CodeView key="code" state={null} />;
    case 'showing':
      return <CodeView key="code" state={now} />;
    case 'claimed':
      return (
        <div class="card" key="claimed" data-testid="claimed">
          <StepHeading>{t.claimed.title}</StepHeading>
          <p>{t.claimed.text(nameOf(now.phone))}</p>
        </div>
      );
    case 'numbered':
      return (
        <div class="card numbered" key="numbered" data-testid="numbered">
          <StepHeading>{t.numbered.title}</StepHeading>
          <p class="number-shown" role="img" aria-label={t.numbered.number(now.number)} data-testid="number">{now.number}</p>
          <p>{t.numbered.text(nameOf(now.phone))}</p>
          <div class="button-row"><button type="button" data-testid="deny" onClick={newCode}>{t.numbered.deny}</button></div>
        </div>
      );
    case 'linked':
      return conversation.value && <LinkedView key="linked" conversation={conversation.value} role="computer" trust={trust} />;
    case 'dead':
      return <DeadView key="dead" role="computer" why={now.why} isAlarm={now.alarm} reason={now.reason} onAgain={newCode} />;
  }
}

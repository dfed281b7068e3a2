import type { Why } from '../link/index.ts';
import { StepHeading } from './step.tsx';
import { text, type Role } from './text.ts';

interface Props {
  role: Role;
  /** `away`: a computer that is trusted was not there. */
  why: Why | 'away';
  isAlarm: boolean;
  reason: string;
  onAgain: () => void;
}

/** Why there is no link, and what to do next. */
export function DeadView({ role, why, isAlarm, reason, onAgain }: Props) {
  const t = text.value.dead;
  const [title, advice] = why === 'away' ? t.away : t[role][why];
  return (
    <div class={`card dead ${isAlarm ? 'alarm' : ''}`} role={isAlarm ? 'alert' : undefined} data-testid="dead" data-why={why} data-alarm={isAlarm}>
      <StepHeading>{title}</StepHeading>
      <p>{advice}</p>
      {why === 'protocolError' && reason !== '' && <p class="hint">{t.reason(reason)}</p>}
      <div class="button-row"><button type="button" class="primary" data-testid="again" onClick={onAgain}>{role === 'computer' ? t.again : t.back}</button></div>
    </div>
  );
}

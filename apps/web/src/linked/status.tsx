import { useEffect } from 'preact/hooks';
import { announce } from '../shared/announcer.tsx';
import type { LinkState } from '../link/index.ts';
import type { Conversation } from './conversation.ts';
import { StepHeading } from './step.tsx';
import { text, type LinkText, type Role } from './text.ts';

type Condition = 'open' | 'greeting' | 'asleep' | 'reconnecting' | 'full' | 'takenOver';

function conditionOf({ status, carrier, greeted, problem }: LinkState): Condition {
  if (status === 'takenOver') return 'takenOver';
  if (carrier === null || status === 'lost') return 'reconnecting';
  if (status === 'asleep') return 'asleep';
  if (!greeted) return 'greeting';
  return problem === 0 ? 'open' : 'full';
}

function say({ status: t }: LinkText, condition: Condition, role: Role): string {
  const said = t[condition];
  return typeof said === 'string' ? said : said[role];
}

/** Who is at the other end, and how the link is: what moves it, how long a round trip takes, or why nothing goes through. */
export function Status({ conversation, role }: { conversation: Conversation; role: Role }) {
  const t = text.value;
  const state = conversation.status.value;
  const condition = conditionOf(state);
  useEffect(() => announce(say(text.peek(), condition, role)), [condition]);
  const unlink = () => {
    conversation.link.unlink();
    announce(t.linked.unlinked);
  };
  const details = condition === 'open' && state.carrier !== null
    ? [t.status.carriers[state.carrier], state.roundTrip === null ? null : t.status.milliseconds(Math.max(1, state.roundTrip))].filter((part) => part !== null)
    : [];
  return (
    <div class="link-head">
      <StepHeading>{t.linked.title(state.peer.name)}</StepHeading>
      {condition === 'takenOver'
        ? <button type="button" class="primary" data-testid="use-here" onClick={() => location.reload()}>{t.status.useHere}</button>
        : <button type="button" data-testid="unlink" onClick={unlink}>{t.linked.unlink}</button>}
      <p class="status" data-testid="status" data-condition={condition} data-carrier={state.carrier ?? ''}>
        <span class={`dot ${condition}`} aria-hidden="true" /> <span>{[say(t, condition, role), ...details].join(' · ')}</span>
      </p>
      {conversation.relinkedAt !== null && <p class="hint" role="status" data-testid="relinked">{t.linked.relinked(t.time(conversation.relinkedAt))}</p>}
    </div>
  );
}

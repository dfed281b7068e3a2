import { MAX_TEXT_UNITS, type TrustStore } from '../link/index.ts';
import type { Conversation } from './conversation.ts';
import { MOST_FILE_BYTES } from './files.ts';
import { Status } from './status.tsx';
import { text, type Role } from './text.ts';
import { MyText, TheirText } from './text-panes.tsx';
import { Timeline } from './timeline.tsx';

/** What both pages show while they are linked. */
export function LinkedView({ conversation, role, trust }: { conversation: Conversation; role: Role; trust: TrustStore }) {
  const t = text.value;
  // What would be typed here would go nowhere.
  if (conversation.status.value.status === 'takenOver') return <div class="linked" data-testid="linked"><Status conversation={conversation} role={role} /></div>;
  const mine = <MyText conversation={conversation} role={role} />;
  const theirs = <TheirText conversation={conversation} role={role} />;
  return (
    <div class={`linked ${role}`} data-testid="linked">
      <Status conversation={conversation} role={role} />
      <TrustAsked conversation={conversation} role={role} trust={trust} />
      <div class="panes">
        {role === 'computer' ? <>{mine}{theirs}</> : <>{theirs}{mine}</>}
        <Timeline conversation={conversation} role={role} />
      </div>
      <TrustOffer conversation={conversation} role={role} trust={trust} />
      <p class="hint">{t.linked.limits(t.number(MAX_TEXT_UNITS), t.size(MOST_FILE_BYTES))}</p>
    </div>
  );
}

function TrustAsked({ conversation, role, trust }: { conversation: Conversation; role: Role; trust: TrustStore }) {
  const t = text.value.trust;
  if (conversation.status.value.trust !== 'asked') return null;
  return (
    <div class="notice ask" role="alert" data-testid="trust-asked">
      <p>{t.asked[role]}</p>
      <div class="button-row">
        <button type="button" class="primary" data-testid="trust-agree" onClick={() => conversation.link.offerTrust(trust)}>{t.agree}</button>
        <button type="button" data-testid="trust-decline" onClick={() => conversation.link.refuseTrust()}>{t.decline}</button>
      </div>
    </div>
  );
}

function TrustOffer({ conversation, role, trust }: { conversation: Conversation; role: Role; trust: TrustStore }) {
  const t = text.value.trust;
  const { trust: state } = conversation.status.value;
  if (state === 'asked') return null;
  return (
    <div class="trust-row" data-testid="trust" data-trust={state}>
      {state === 'none' && <button type="button" data-testid="trust-offer" onClick={() => conversation.link.offerTrust(trust)}>{t.offer[role]}</button>}
      {state === 'agreed' && <button type="button" data-testid="trust-revoke" onClick={() => conversation.link.revokeTrust()}>{t.revoke}</button>}
      <span class="hint">{state === 'none' ? t.hint[role] : state === 'offered' ? t.offered[role] : t.agreed[role]}</span>
    </div>
  );
}

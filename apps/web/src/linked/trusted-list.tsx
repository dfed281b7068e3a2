import { announce } from '../shared/announcer.tsx';
import type { TrustedEnd, TrustStore } from '../link/index.ts';
import { nameOf } from './device.ts';
import { text, type Role } from './text.ts';

/** The ends that link without a code: to link with, on the phone, and to forget. */
export function TrustedList({ role, ends, store, onLink }: { role: Role; ends: readonly TrustedEnd[]; store: TrustStore; onLink?: (end: TrustedEnd) => void }) {
  const t = text.value;
  if (ends.length === 0) return null;
  const forget = (end: TrustedEnd) => {
    store.revoke(end.id);
    announce(t.trusted.forgotten(nameOf(end)));
  };
  return (
    <section class="trusted" aria-labelledby="trusted-title">
      <h2 id="trusted-title">{role === 'computer' ? t.trusted.phones : t.trusted.computers}</h2>
      {role === 'computer' && <p class="hint">{t.trusted.phonesHint}</p>}
      <ul>
        {ends.map((end) => (
          <li key={end.id} data-testid="trusted">
            <span class="trusted-name">{nameOf(end)} <span class="hint since">{t.trusted.since(t.date(end.since))}</span></span>
            {onLink && <button type="button" class="primary" data-testid="relink" aria-label={t.trusted.link(nameOf(end))} onClick={() => onLink(end)}>{t.trusted.linkShort}</button>}
            <button type="button" data-testid="forget" aria-label={t.trusted.forget(nameOf(end))} onClick={() => forget(end)}>{t.trusted.forgetShort}</button>
          </li>
        ))}
      </ul>
    </section>
  );
}

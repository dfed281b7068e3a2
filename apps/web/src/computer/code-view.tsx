import { useMemo } from 'preact/hooks';
import type { ComputerState } from '../link/index.ts';
import { CODE_SECONDS } from '../link/index.ts';
import { CopyButton } from '../linked/copy-button.tsx';
import { StepHeading } from '../linked/step.tsx';
import { text } from '../linked/text.ts';
import { TrustedList } from '../linked/trusted-list.tsx';
import { qrPath } from '../shared/qr-path.ts';
import { Rich } from '../shared/rich.tsx';
import { trust, trustedPhones } from './model.ts';

type Showing = Extract<ComputerState, { step: 'showing' }>;

/** The code to be scanned, and what to do with it. */
export function CodeView({ state }: { state: Showing | null }) {
  const t = text.value.code;
  return (
    <>
      <div class="card code-card" data-testid="showing" data-secret={state?.secret}>
        <div class="code-words">
          <StepHeading>{t.title}</StepHeading>
          <p class="lead">{t.lead}</p>
          <ol class="steps">{t.steps.map((step) => <li key={step}>{step}</li>)}</ol>
          {isLoopback(location.hostname) && <p class="notice calm" data-testid="loopback"><Rich text={t.loopback} /></p>}
        </div>
        <div class="code-side">
          {state ? <QrCode url={state.url} label={t.label} /> : <div class="qr empty"><p class="hint">{t.starting}</p></div>}
          <div class="countdown" aria-hidden="true">{state && <Countdown key={state.secret} changesAt={state.changesAt} />}</div>
          <p class="hint">{t.changes}</p>
        </div>
        <div class="by-hand">
          <p class="hint">{t.byHand} <span class="mono">{location.host}/phone</span></p>
          <code class="guid" data-testid="guid">{state?.secret ?? '\u00a0'}</code>
          <CopyButton value={state?.secret ?? ''} label={t.copyCode} testId="copy-code" />
          {state !== null && state.failedClaims > 0 && <p class="hint" data-testid="failed-claims">{t.failed(state.failedClaims)}</p>}
        </div>
      </div>
      <TrustedList role="computer" ends={trustedPhones.value} store={trust} />
      <p class="privacy hint">{t.privacy}</p>
    </>
  );
}

function QrCode({ url, label }: { url: string; label: string }) {
  const { path, size } = useMemo(() => qrPath(url), [url]);
  return (
    <svg class="qr" role="img" aria-label={label} viewBox={`0 0 ${size} ${size}`} shape-rendering="crispEdges" data-testid="qr">
      <rect width={size} height={size} rx="1.5" fill="#fff" /><path d={path} fill="#000" />
    </svg>
  );
}

/** A line that gets shorter: without anything that runs on the page, and still where motion is not wanted. */
function Countdown({ changesAt }: { changesAt: number }) {
  const passed = CODE_SECONDS * 1000 - Math.max(0, changesAt - Date.now());
  return <div class="rest" style={{ animationDuration: `${CODE_SECONDS}s`, animationDelay: `${-Math.max(0, passed)}ms` }} />;
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '[::1]' || /^127\./.test(host) || host.endsWith('.localhost');
}

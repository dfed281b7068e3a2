import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { parseSecret } from '../link/index.ts';
import { StepHeading } from '../linked/step.tsx';
import { text } from '../linked/text.ts';
import { TrustedList } from '../linked/trusted-list.tsx';
import { announce } from '../shared/announcer.tsx';
import { claim, isReady, relink, shared, trust, trustedComputers } from './model.ts';
import { openCamera, scan, type CameraProblem } from './scanner.ts';

/** Where a link begins: the camera, a code that is typed, or a computer that is trusted. */
export function IdleView() {
  const t = text.value;
  const camera = useSignal<MediaStream | null>(null);
  const problem = useSignal<CameraProblem | null>(globalThis.isSecureContext ? null : 'insecure');
  const open = async () => {
    const opened = await openCamera();
    if (opened instanceof MediaStream) camera.value = opened;
    else problem.value = opened;
  };
  if (camera.value) {
    return <Scanner stream={camera.value} onStop={() => { camera.value = null; }} />;
  }

  return (
    <>
      <div class="card" data-testid="idle">
        <StepHeading>{t.idle.title}</StepHeading>
        <p class="lead">{t.idle.lead}</p>
        {shared.value.length > 0 && <p class="notice calm" data-testid="pending">{t.idle.pending(shared.value.length)}</p>}
        {problem.value !== 'insecure' && <button type="button" class="primary wide" data-testid="scan" disabled={!isReady.value} onClick={() => void open()}>{t.idle.scan}</button>}
        {problem.value !== null && <p class="hint" role="status" data-testid="camera-problem">{t.idle[problem.value]}</p>}
        <TypedCode />
      </div>
      <TrustedList role="phone" ends={trustedComputers.value} store={trust} onLink={relink} />
      {isInstallable() && <p class="hint aside">{t.idle.install}</p>}
    </>
  );
}

function TypedCode() {
  const t = text.value.idle;
  const isWrong = useSignal(false);
  const field = useRef<HTMLInputElement>(null);
  const submit = (event: Event) => {
    event.preventDefault();
    isWrong.value = !claim(field.current!.value);
    if (!isWrong.value) return;
    announce(t.notACode);
    field.current!.focus();
  };
  return (
    <form class="typed" onSubmit={submit} autocomplete="off">
      <label for="code">{t.or}</label>
      <span class="hint visually-hidden" id="code-hint">{t.label}</span>
      <div class="typed-row">
        <input
          id="code" ref={field} class="mono" data-testid="code" inputMode="text" autocapitalize="off" autocorrect="off" spellcheck={false} maxLength={512}
          aria-describedby={isWrong.value ? 'code-error' : 'code-hint'} aria-invalid={isWrong.value || undefined} placeholder="xxxxxxxx-xxxx-xxxx-…"
        />
        <button type="submit" data-testid="claim" disabled={!isReady.value}>{t.go}</button>
      </div>
      {isWrong.value && <p class="error" id="code-error" data-testid="code-error">{t.notACode}</p>}
    </form>
  );
}

function Scanner({ stream, onStop }: { stream: MediaStream; onStop: () => void }) {
  const t = text.value.idle;
  const video = useRef<HTMLVideoElement>(null);
  useEffect(() => {
    const stop = new AbortController();
    const element = video.current!;
    element.srcObject = stream;
    void element.play().catch(() => {});
    const isWanted = (found: string) => parseSecret(found) !== null && claim(found);
    void scan(element, isWanted, stop.signal).then(() => { if (!stop.signal.aborted) onStop(); });
    return () => {
      stop.abort();
      for (const track of stream.getTracks()) track.stop();
    };
  }, [stream]);
  return (
    <div class="card scanner" data-testid="scanner">
      <StepHeading>{t.scanning}</StepHeading>
      <video ref={video} playsInline muted aria-hidden="true" />
      <button type="button" class="wide" data-testid="stop-scan" onClick={onStop}>{t.stop}</button>
    </div>
  );
}

/** Whether it makes sense to say that the page can be installed: not where it is. */
function isInstallable(): boolean {
  return globalThis.isSecureContext && !matchMedia('(display-mode: standalone)').matches;
}

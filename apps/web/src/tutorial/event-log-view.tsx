import { useLayoutEffect, useRef } from 'preact/hooks';
import { clearLog, clockTime, logRows } from './event-log.ts';
import { text } from './text.ts';

export function EventLogView() {
  const t = text.value;
  const rows = logRows.value;
  const scroller = useRef<HTMLDivElement>(null);
  const following = useRef(true);

  // Follow the newest row, unless the reader has scrolled up to read an older one.
  useLayoutEffect(() => {
    const element = scroller.current;
    if (element && following.current) element.scrollTop = element.scrollHeight;
  }, [rows]);

  return (
    <section class="log" aria-labelledby="log-title">
      <div class="log-head">
        <h3 id="log-title">{t.log.title}</h3>
        <button type="button" class="quiet" onClick={clearLog}>{t.log.clear}</button>
      </div>
      <div
        class="log-scroller" ref={scroller} tabIndex={0} role="group" aria-labelledby="log-title"
        onScroll={({ currentTarget: { scrollTop, scrollHeight, clientHeight } }) => {
          following.current = scrollHeight - scrollTop - clientHeight < 24;
        }}
      >
        {rows.length === 0 && <p class="hint">{t.log.empty}</p>}
        <ol data-testid="log">
          {rows.map((row) => (
            <li key={row.id} data-kind={row.kind}>
              <time>{clockTime(row.time)}</time>
              <span class="kind">{t.log.kinds[row.kind]}</span>
              <span class="say">
                {row.say(t)}
                {row.times > 1 && <span class="times">{t.log.repeated(row.times)}</span>}
              </span>
            </li>
          ))}
        </ol>
      </div>
    </section>
  );
}

/** The bytes of an HTTP message as they were sent, with some header lines marked. */
export function RawHttp({ raw, marked, testid, label }: { raw: string; marked: readonly string[]; testid?: string; label: string }) {
  const lines = raw.replace(/(\r\n)+$/, '').split('\r\n');
  return (
    <pre class="raw-http" data-testid={testid} tabIndex={0} role="group" aria-label={label}>
      {lines.map((line, i) => {
        const name = line.split(':')[0]!.toLowerCase();
        const shown = i > 0 && marked.includes(name) ? <mark>{line}</mark> : line;
        return <>{shown}{i < lines.length - 1 && '\n'}</>;
      })}
    </pre>
  );
}

/** The value of a header line, or null if there is no such line. */
export function headerValue(raw: string, name: string): string | null {
  for (const line of raw.split('\r\n').slice(1)) {
    const colon = line.indexOf(':');
    if (line.slice(0, colon).toLowerCase() === name) return line.slice(colon + 1).trim();
  }
  return null;
}

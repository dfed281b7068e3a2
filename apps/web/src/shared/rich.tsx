/** Text with `code` and **strong** parts, so that a whole sentence stays one string for the translator. */
export function Rich({ text }: { text: string }) {
  return (
    <>
      {text.split(/(`[^`]+`|\*\*[^*]+\*\*)/).map((part) =>
        part.startsWith('`') ? <code>{part.slice(1, -1)}</code>
        : part.startsWith('**') ? <strong>{part.slice(2, -2)}</strong>
        : part)}
    </>
  );
}

import { toHex } from '../shared/bytes.ts';
import type { DecodedFrame } from './frame-fields.ts';
import { text } from './text.ts';

const BYTES_SHOWN = 16;

/** The XOR of RFC 6455 section 5.3, one column for each byte. */
export function Unmasking({ decoded: { masked, wirePayload, payload, maskingKey } }: { decoded: DecodedFrame }) {
  if (!masked || payload.length === 0) return null;
  const t = text.value.frames;
  const hex = (byte: number) => toHex(Uint8Array.of(byte));
  const columns = Array.from(payload.subarray(0, BYTES_SHOWN), (plain, i) => [
    hex(wirePayload[i]!),
    hex(maskingKey[i % 4]!),
    hex(plain),
    plain > 0x20 && plain < 0x7f ? String.fromCharCode(plain) : '·',
  ]);
  const { wire, key, plain, text: letters } = t.unmaskLabels;
  return (
    <>
      <h3>{t.unmaskTitle}</h3>
      <p class="prose">{t.unmaskIntro}</p>
      <div class="scroll" tabIndex={0} role="group" aria-label={t.unmaskTitle}>
        <table class="unmasking" data-testid="unmasking">
          <tbody>
            {[wire, `⊕ ${key}`, `= ${plain}`, letters].map((label, line) => (
              <tr><th scope="row">{label}</th>{columns.map((column) => <td>{column[line]}</td>)}</tr>
            ))}
          </tbody>
        </table>
      </div>
    </>
  );
}

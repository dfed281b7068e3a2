import { toHex, utf8Text } from '../shared/bytes.ts';
import { highlighted, pinned, point, togglePin } from './field-highlight.ts';
import { bitString, type DecodedFrame, type FieldName } from './frame-fields.ts';
import { text } from './text.ts';

interface Row {
  field: FieldName;
  name: string;
  value: string;
  meaning: string;
}

const BYTES_SHOWN = 64;

/** The fields in words. The explicit roles keep it a table for screen readers when CSS stacks its cells. */
export function FrameTable({ decoded, truncated }: { decoded: DecodedFrame; truncated: boolean }) {
  const t = text.value.frames;
  return (
    <table class="frame-table" data-testid="frame-table" role="table" aria-label={t.tableLabel}>
      <thead role="rowgroup">
        <tr role="row">
          <th role="columnheader" scope="col">{t.field}</th>
          <th role="columnheader" scope="col">{t.value}</th>
          <th role="columnheader" scope="col">{t.meaning}</th>
        </tr>
      </thead>
      <tbody role="rowgroup" onMouseLeave={() => point(null)}>
        {rows(decoded, truncated).map(({ field, name, value, meaning }) => (
          <tr key={name} role="row" data-field={field} data-highlighted={highlighted.value === field} onMouseEnter={() => point(field)}>
            <th role="rowheader" scope="row">
              <button
                type="button" class="field" aria-pressed={pinned.value === field}
                onFocus={() => point(field)} onBlur={() => point(null)} onClick={() => togglePin(field)}
              >
                {name}
              </button>
            </th>
            <td role="cell"><code>{value}</code></td>
            <td role="cell">{meaning}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function rows(decoded: DecodedFrame, truncated: boolean): Row[] {
  const t = text.value.frames;
  const { fin, rsv, opcode, masked, lengthBits, lengthForm, length, maskingKey, payload, wirePayload, wire } = decoded;
  const row = (field: FieldName, value: string, meaning: string, name = t.names[field]): Row => ({ field, name, value, meaning });
  const bit = (set: boolean) => (set ? '1' : '0');

  const result = [
    row('fin', bit(fin), fin ? t.fin : t.notFin),
    row('rsv1', bit(rsv[0]), rsv[0] ? t.rsv1Set : t.rsv),
    row('rsv2', bit(rsv[1]), rsv[1] ? t.rsvSet : t.rsv),
    row('rsv3', bit(rsv[2]), rsv[2] ? t.rsvSet : t.rsv),
    row('opcode', `${bitString(wire, 4, 4)} = 0x${opcode.toString(16)}`, t.opcodeMeaning(t.opcodes[opcode] ?? t.reservedOpcode, opcode >= 8)),
    row('mask', bit(masked), masked ? t.masked : t.unmasked),
    row('length', `${bitString(wire, 9, 7)} = ${lengthBits}`, lengthForm === 7 ? t.length7(length) : lengthForm === 16 ? t.length16 : t.length64),
  ];
  if (lengthForm !== 7) {
    result.push(row('extendedLength', toHex(wire.slice(2, 2 + lengthForm / 8), ' '), t.extended(lengthForm, length)));
  }
  if (masked) result.push(row('maskingKey', toHex(maskingKey, ' '), t.keyMeaning));
  if (masked && payload.length) result.push(row('payload', hexStart(wirePayload), t.payloadWireMeaning, t.payloadWire));

  const shownBytes = truncated || payload.length > BYTES_SHOWN ? ` ${t.payloadCut(Math.min(payload.length, BYTES_SHOWN))}` : '';
  result.push(row('payload', payload.length ? hexStart(payload) : '–', payloadMeaning(decoded, truncated) + shownBytes, masked ? t.payloadPlain : t.names.payload));
  return result;
}

function payloadMeaning({ payload, opcode, rsv, masked }: DecodedFrame, truncated: boolean): string {
  const t = text.value.frames;
  const note = masked ? '' : ` ${t.payloadSame}`;
  if (payload.length === 0) return t.payloadEmpty;
  if (rsv[0]) return t.payloadCompressed + note;
  if (opcode === 1) {
    const whole = payload.length <= BYTES_SHOWN && !truncated;
    return t.payloadText(utf8Text(payload.subarray(0, BYTES_SHOWN), !whole) + (whole ? '' : ' …')) + note;
  }
  // A Close frame's payload is a status code in network byte order and a reason in UTF-8 (section 5.5.1).
  if (opcode === 8 && payload.length >= 2) return t.payloadClose(payload[0]! * 256 + payload[1]!, utf8Text(payload.subarray(2))) + note;
  return t.payloadBinary + note;
}

function hexStart(bytes: Uint8Array): string {
  return toHex(bytes.subarray(0, BYTES_SHOWN), ' ') + (bytes.length > BYTES_SHOWN ? ' …' : '');
}

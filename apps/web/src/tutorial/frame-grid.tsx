import { signal } from '@preact/signals';
import { highlighted, point, togglePin } from './field-highlight.ts';
import { bitString, segments, type DecodedFrame, type FieldName, type Segment } from './frame-fields.ts';
import { text } from './text.ts';

/** 32 bits in a row, as in RFC 6455 section 5.2; 16 where the window is too narrow to read them. */
const wide = matchMedia('(min-width: 48rem)');
const bitsPerRow = signal(wide.matches ? 32 : 16);
wide.addEventListener('change', () => { bitsPerRow.value = wide.matches ? 32 : 16; });

const PAYLOAD_BYTES_SHOWN = 16;

export function FrameGrid({ decoded }: { decoded: DecodedFrame }) {
  const t = text.value.frames;
  const width = bitsPerRow.value;
  const lastBit = 8 * (decoded.headerLength + PAYLOAD_BYTES_SHOWN);
  const hidden = decoded.length - Math.min(decoded.payload.length, PAYLOAD_BYTES_SHOWN);
  return (
    <div class="frame-grid" data-testid="frame-grid" role="img" aria-label={t.gridLabel} onMouseLeave={() => point(null)}>
      <div class="bit-numbers" style={columns(width)}>
        {Array.from({ length: width }, (_, bit) => <span>{bit}</span>)}
      </div>
      <div class="bits" style={columns(width)}>
        {segments(decoded.fields, width, lastBit).map((segment) => (
          <Cell key={segment.start} decoded={decoded} segment={segment} />
        ))}
        {hidden > 0 && <span class="cell more" style={{ gridColumn: '1 / -1' }}>{t.more(hidden)}</span>}
      </div>
    </div>
  );
}

function Cell({ decoded, segment }: { decoded: DecodedFrame; segment: Segment }) {
  const { field, start, bits, first } = segment;
  const value = bits % 8 === 0 && start % 8 === 0
    ? hexOf(decoded.wire, start, bits)
    : bitString(decoded.wire, start, bits);
  return (
    <span
      class={`cell ${bits === 1 ? 'single' : ''}`} data-field={field} data-highlighted={highlighted.value === field}
      style={{ gridColumn: `span ${bits}` }}
      onMouseEnter={() => point(field)} onClick={() => togglePin(field)}
    >
      <span class="cell-name">{first && (field !== 'payload') ? shortName(field) : field === 'payload' ? character(decoded, start) : ''}</span>
      <span class="cell-value">{value}</span>
    </span>
  );
}

function shortName(field: FieldName): string {
  return text.value.frames.names[field];
}

/** In the payload each byte is headed by the character that it becomes when it is unmasked. */
function character(decoded: DecodedFrame, start: number): string {
  const byte = decoded.payload[start / 8 - decoded.headerLength] ?? 0;
  return byte > 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '·';
}

function hexOf(wire: Uint8Array, start: number, bits: number): string {
  return Array.from(wire.subarray(start / 8, (start + bits) / 8), (byte) => byte.toString(16).padStart(2, '0')).join(' ');
}

function columns(width: number) {
  return { gridTemplateColumns: `repeat(${width}, minmax(0, 1fr))` };
}

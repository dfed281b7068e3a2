// The TypeScript of a protocol: constants, interfaces, and the layout of each message, which one codec reads.
import { header, lower, typed, upper, wireName } from './names.mjs';

const constObject = (name, text, values) => `/** ${text} */
export const ${name} = {
${values.map((value) => `  /** ${value.text} */
  ${value.name}: ${value.value},`).join('\n')}
} as const;
`;

const types = {
  varint: 'number', flags: 'number', fixed64: 'bigint', string: 'string', name: 'string', bytes: 'Uint8Array', code: 'number', origin: 'number', positions: 'Position',
  payload: 'Uint8Array',
};

function layout(protocol, field) {
  const parts = [`name: '${lower(field.name)}'`, `kind: '${field.kind}'`];
  const limit = (name) => protocol.limitOf.get(name);
  if (['varint', 'string', 'name'].includes(field.kind)) parts.push(`min: ${field.kind === 'name' ? 1 : field.min ?? 0}`);
  if (field.kind === 'varint') parts.push(`max: ${limit(field.max ?? 'MaxInteger')}`);
  if (field.kind === 'string') parts.push(`max: ${limit(field.bound)}`);
  if (field.kind === 'name') parts.push(`max: ${limit('MaxNameBytes')}`);
  if (field.kind === 'bytes') parts.push(`min: ${limit(field.length)}, max: ${limit(field.length)}`);
  if (field.kind === 'flags') parts.push(`mask: ${field.mask}`);
  if (field.when) parts.push(`when: ${field.whenValue}`);
  return `{ ${parts.join(', ')} }`;
}

const members = (fields) => fields.map((field) => `  /** ${field.text} */
  readonly ${lower(field.name)}${field.when ? '?' : ''}: ${types[field.kind]}${field.when ? ' | undefined' : ''};
`).join('');

export function typescript(dialect, protocol) {
  const { unit, directions } = dialect;
  const kinds = new Set([...protocol.messages, ...protocol.payloads].flatMap(({ fields }) => fields.map((field) => field.kind)));
  const hasReliable = unit === 'Frame';
  return `${header(dialect)}

export const VERSION = ${protocol.version};
${protocol.subprotocol ? `export const SUBPROTOCOL = '${protocol.subprotocol}';
` : ''}
${protocol.limits.map((limit) => `/** ${limit.text} */
export const ${upper(limit.name)} = ${limit.value};`).join('\n')}

${constObject(`${unit}Type`, `The first byte of a ${lower(unit)}.`, typed(protocol))}
${[...protocol.enums, ...protocol.flags].filter(({ values }) => values.length).map(({ name, text, values }) => constObject(name, text, values)).join('\n')}
/** The rules of the protocol that a peer can break, and one clause for each. */
export const faults = {
${protocol.faults.map((fault) => `  ${fault.name}: '${fault.text.replaceAll("'", "\\'")}',`).join('\n')}
} as const;

export type Fault = keyof typeof faults;

${kinds.has('positions') ? `/** Offsets by origin; at most MAX_POSITIONS pairs, no origin twice. */
export type Position = readonly (readonly [origin: number, offset: number])[];

` : ''}${protocol.messages.map((message) => `/** ${wireName(message)}, ${dialect.about(message, directions[message.direction])} */
export interface ${message.name}${unit} {
  readonly type: typeof ${unit}Type.${message.name};
${members(message.fields)}}
`).join('\n')}
export type ${unit} =
${protocol.messages.map((message) => `  | ${message.name}${unit}`).join('\n')};

${protocol.payloads.map((payload) => `/** ${payload.text} */
export interface ${payload.name} {
${members(payload.fields)}}

`).join('')}/** A field on the wire. min and max: of a number its value, of a string${kinds.has('bytes') ? ' or of bytes' : ''} its bytes. when: present only where this flag is set. */
export interface Field {
  readonly name: string;
  readonly kind: ${Object.keys(types).filter((kind) => kinds.has(kind)).map((kind) => `'${kind}'`).join(' | ')};
  readonly min?: number;
  readonly max?: number;
  readonly mask?: number;
  readonly when?: number;
}

export interface ${unit}Layout {
  readonly name: string;
  readonly direction: ${Object.keys(directions).map((direction) => `'${direction}'`).join(' | ')};
${hasReliable ? '  readonly reliable: boolean;\n' : ''}  readonly fields: readonly Field[];
}

/** How each ${lower(unit)} lies on the wire behind its type byte. */
export const layouts: Readonly<Record<number, ${unit}Layout>> = {
${protocol.messages.map((message) => `  [${unit}Type.${message.name}]: {
    name: '${message.name}', direction: '${message.direction}',${hasReliable ? ` reliable: ${message.reliable},` : ''} fields: [
${message.fields.map((field) => `      ${layout(protocol, field)},
`).join('')}    ],
  },`).join('\n')}
};
${protocol.payloads.length ? `
/** How each payload lies on the wire. */
export const payloads = {
${protocol.payloads.map((payload) => `  ${payload.name}: [
${payload.fields.map((field) => `    ${layout(protocol, field)},
`).join('')}  ],`).join('\n')}
} as const satisfies Readonly<Record<string, readonly Field[]>>;
` : ''}`;
}

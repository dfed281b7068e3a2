// The C# of a protocol: constants and tables, and a struct for each message.
import { header, lower, typed, wireName, hex } from './names.mjs';

const typeOf = (field) => ({
  varint: 'long', flags: field.flags, fixed64: 'ulong', string: 'ReadOnlySpan<byte>', name: 'ReadOnlySpan<byte>', bytes: 'ReadOnlySpan<byte>',
  code: field.code, origin: 'uint', positions: 'PositionList', payload: 'ReadOnlySpan<byte>',
}[field.kind]);

function read(field, limits) {
  const call = {
    varint: () => `reader.Integer(${field.min ?? 0}, ${field.max ? `${limits}.${field.max}` : `${limits}.MaxInteger`})`,
    flags: () => `(${field.flags})reader.Flags(${field.mask})`,
    fixed64: () => 'reader.Fixed64()',
    string: () => `reader.Text(${field.min ?? 0}, ${limits}.${field.bound})`,
    name: () => 'reader.Name()',
    bytes: () => `reader.Take(${limits}.${field.length})`,
    code: () => `(${field.code})reader.Code()`,
    origin: () => 'reader.Origin()',
    positions: () => 'reader.Positions()',
    payload: () => 'reader.Rest()',
  }[field.kind]();
  return field.when ? `(flags & ${field.whenFlags}.${field.when}) != 0 ? ${call} : default` : call;
}

function write(field, limits) {
  const call = {
    varint: `writer.Integer(${field.name});`, flags: `writer.Integer((long)${field.name});`, fixed64: `writer.Fixed64(${field.name});`,
    string: `writer.Text(${field.name});`, name: `writer.Text(${field.name});`, bytes: `writer.Bytes(${field.name}, ${limits}.${field.length});`,
    code: `writer.Integer((long)${field.name});`, origin: `writer.Integer(${field.name});`, positions: `writer.Positions(${field.name});`,
    payload: `writer.Bytes(${field.name});`,
  }[field.kind];
  return field.when ? `if ((Flags & ${field.whenFlags}.${field.when}) != 0) ${call}` : call;
}

function length(field, limits) {
  const count = {
    varint: `FieldWriter.IntegerLength(${field.name})`, flags: '1', fixed64: '8',
    string: `FieldWriter.TextLength(${field.name})`, name: `FieldWriter.TextLength(${field.name})`, bytes: `${limits}.${field.length}`,
    code: `FieldWriter.IntegerLength((long)${field.name})`, origin: `FieldWriter.IntegerLength(${field.name})`,
    positions: `${field.name}.Length`, payload: `${field.name}.Length`,
  }[field.kind];
  return field.when ? `((Flags & ${field.whenFlags}.${field.when}) != 0 ? ${count} : 0)` : count;
}

// reader and writer: how they begin; a payload has no type byte.
function struct({ unit, fault, prefix }, { name, fields, about, whole, reader, writer, lengths, tail }) {
  const noun = lower(unit);
  const limits = `${prefix}Limits`;
  return `/// <summary>${about}</summary>
public readonly ref struct ${name}
{
${fields.map((field) => `    /// <summary>${field.text}</summary>
    public ${typeOf(field)} ${field.name} { get; init; }

`).join('')}    /// <summary>Bytes that <see cref="Write"/> writes.</summary>
    public int Length => ${lengths.join(' + ')};

    /// <summary>Reads a whole ${whole}.</summary>
    /// <param name="bytes">The ${whole.replace(' of this type', '')}${whole.endsWith('type') ? ', its type byte first' : ''}.</param>
    /// <param name="${noun}">Its fields, which refer to the bytes; all empty when a rule is broken.</param>
    /// <returns>The first rule that is broken, or <see cref="${fault}.None"/>.</returns>
    public static ${fault} Read(ReadOnlySpan<byte> bytes, out ${name} ${noun})
    {
        var reader = new FieldReader(${reader});
${fields.map((field) => `        ${typeOf(field)} ${lower(field.name)} = ${read(field, limits)};
`).join('')}        ${fault} fault = reader.End();
        ${noun} = fault != ${fault}.None ? default : new ${name}
        {
${fields.map((field) => `            ${field.name} = ${lower(field.name)},
`).join('')}        };
        return fault;
    }

    /// <summary>Writes the ${whole.replace(' of this type', '')}. The fields must be within their bounds.</summary>
    /// <param name="destination">At least <see cref="Length"/> bytes.</param>
    /// <returns>How many bytes were written.</returns>
    public int Write(Span<byte> destination)
    {
        var writer = new FieldWriter(${writer});
${fields.map((field) => `        ${write(field, limits)}
`).join('')}        return writer.Written;
    }

${tail}}
`;
}

const sharedTail = `    /// <summary>The frame as an object of its own.</summary>
    /// <returns>What sessions and carriers pass on.</returns>
    public SharedFrame ToShared()
    {
        byte[] bytes = GC.AllocateUninitializedArray<byte>(Length);
        Write(bytes);
        return new SharedFrame(bytes);
    }
`;

const arrayTail = (whole) => `    /// <summary>The ${whole} in an array of its own.</summary>
    /// <returns>A new array.</returns>
    public byte[] ToArray()
    {
        byte[] bytes = new byte[Length];
        Write(bytes);
        return bytes;
    }
`;

export function csharpMessages(dialect, protocol) {
  const { unit, directions, prefix } = dialect;
  const noun = lower(unit);
  const lengthOf = (field) => length(field, `${prefix}Limits`);
  const structs = protocol.messages.map((message) => struct(dialect, {
    name: `${message.name}${unit}`, fields: message.fields, whole: `${noun} of this type`,
    about: `${wireName(message)} (${hex(message.type)}), ${dialect.about(message, directions[message.direction])}`,
    reader: `bytes, ${unit}Type.${message.name}`, writer: `destination, ${unit}Type.${message.name}`,
    lengths: ['1', ...message.fields.map(lengthOf)], tail: unit === 'Frame' ? sharedTail : arrayTail(noun),
  }));
  const payloads = protocol.payloads.map((payload) => struct(dialect, {
    name: payload.name, fields: payload.fields, whole: 'payload', about: payload.text, reader: 'bytes', writer: 'destination',
    lengths: payload.fields.map(lengthOf), tail: arrayTail('payload'),
  }));
  return `${header(dialect)}
namespace ${dialect.namespace};

${[...structs, ...payloads].join('\n')}`;
}

const enumeration = (name, text, values, attribute = '') => `/// <summary>${text}</summary>
${attribute}public enum ${name}
{
${values.map((value) => `    /// <summary>${value.text}</summary>
    ${value.name} = ${value.value},
`).join('\n')}}
`;

function judge({ unit, fault, directions, second }, protocol) {
  const [one, other] = Object.keys(directions);
  const of = (direction, separator) => protocol.messages.filter((message) => message.direction === direction).map((message) => `${unit}Type.${message.name}`).join(separator);
  const broken = '\n            or ';
  return `    /// <summary>Whether a type of this version may come from the given side.</summary>
    /// <param name="type">Any byte.</param>
    /// <param name="${second.parameter}">True for what ${second.text} sends.</param>
    /// <returns><see cref="${fault}.None"/>, <see cref="${fault}.UnknownType"/> or <see cref="${fault}.WrongDirection"/>.</returns>
    public static ${fault} Judge(${unit}Type type, bool ${second.parameter}) => type switch
    {
        ${of(one, broken)}
            => ${second.parameter} ? ${fault}.WrongDirection : ${fault}.None,
        ${of(other, broken)}
            => ${second.parameter} ? ${fault}.None : ${fault}.WrongDirection,
        ${of('both', broken)}
            => ${fault}.None,
        _ => ${fault}.UnknownType,
    };
`;
}

const reliable = `
    /// <summary>Whether frames of a type are counted, kept until they are acknowledged, and sent again.</summary>
    /// <param name="type">Any type.</param>
    /// <returns>False for link frames.</returns>
    public static bool IsReliable(FrameType type) => type >= FrameType.Subscribe;
`;

export function csharpConstants(dialect, protocol) {
  const { unit, fault } = dialect;
  const noun = lower(unit);
  const faults = [
    { name: 'None', text: 'No rule is broken.' }, ...protocol.faults.map(({ name, text }) => ({ name, text: `${text[0].toUpperCase()}${text.slice(1)}.` })),
  ].map((value, index) => ({ ...value, value: index }));
  return `${header(dialect)}
namespace ${dialect.namespace};

/// <summary>The version of the protocol, ${protocol.subprotocol ? 'its name, ' : ''}and the bounds that are part of it.</summary>
public static class ${dialect.prefix}Limits
{
    /// <summary>The version of the protocol.</summary>
    public const int Version = ${protocol.version};

${protocol.subprotocol ? `    /// <summary>${dialect.subprotocol}</summary>
    public const string Subprotocol = "${protocol.subprotocol}";

` : ''}${protocol.limits.map((limit) => `    /// <summary>${limit.text}</summary>
    public const ${limit.value > 2 ** 31 ? 'long' : 'int'} ${limit.name} = ${limit.value};
`).join('\n')}}

${enumeration(`${unit}Type`, `The first byte of a ${noun}.`, typed(protocol))}
${protocol.enums.map((values) => `${enumeration(values.name, values.text, values.values)}
`).join('')}${enumeration(fault, 'The rules of the protocol that a peer can break.', faults)}
${protocol.flags.map((flags) => enumeration(flags.name, flags.text, [{ name: 'None', value: 0, text: 'None.' }, ...flags.values], '[Flags]\n')).join('\n')}
/// <summary>What the table of the protocol says of types${protocol.messages.some((message) => message.reliable) ? ', codes' : ''} and faults.</summary>
public static class ${dialect.prefix}Table
{
${judge(dialect, protocol)}${unit === 'Frame' ? reliable : ''}
    /// <summary>One clause that says what was wrong; ASCII, and short enough for ${dialect.reason}.</summary>
    /// <param name="fault">Any member.</param>
    /// <returns>For example "an integer is not in its shortest form".</returns>
    public static string Text(this ${fault} fault) => fault switch
    {
${protocol.faults.map((value) => `        ${fault}.${value.name} => "${value.text}",`).join('\n')}
        _ => "no rule is broken",
    };
}
`;
}

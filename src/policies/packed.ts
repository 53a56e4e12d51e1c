/**
 * Arrays of floats inside JSON: weights of artifacts and state of learners. A third of the size of decimal numbers, and
 * the same bits after any number of round trips.
 */
import { endianness } from 'node:os';
import { z } from 'zod';
import { EngineError } from '../kernel/errors.js';

/** Numbers in one packed array. */
export const PACKED_SIZE_MAX = 64 * 1024 * 1024;

export const packedFloatsSchema = z
  .strictObject({
    /** IEEE 754 numbers of 32 or 64 bits, little-endian, one after the other, as padded base64 (RFC 4648 section 4). */
    encoding: z.enum(['f32-base64', 'f64-base64']),
    /** Row-major: the last dimension varies fastest. The product is the count of numbers. */
    shape: z.array(z.number().int().nonnegative()).min(1).max(4).readonly(),
    data: z.string(),
  })
  .superRefine((packed, context) => {
    const problem = problemOf(packed);
    if (problem !== undefined) context.addIssue({ code: 'custom', ...problem });
  });
export type PackedFloats = Readonly<z.infer<typeof packedFloatsSchema>>;

const WIDTH = { 'f32-base64': 4, 'f64-base64': 8 } as const;
const BIG_ENDIAN = endianness() === 'BE';

/**
 * `shape` is that of the whole array if left out. Throws Invariant `PACKED_FLOATS_INVALID` where it does not fit or a
 * number is not finite: JSON's readers elsewhere could not carry it.
 */
export function packFloats(
  values: Float32Array | Float64Array,
  shape: readonly number[] = [values.length],
): PackedFloats {
  if (sizeOf(shape) !== values.length)
    throw invalid('Invariant', `${values.length} numbers do not fit the shape [${shape.join(', ')}]`, 'shape');
  const odd = values.findIndex((value) => !Number.isFinite(value));
  if (odd >= 0) throw invalid('Invariant', `number ${odd} is ${values[odd]}`, 'data');
  const encoding = values instanceof Float32Array ? 'f32-base64' : 'f64-base64';
  const bytes = Buffer.from(values.buffer, values.byteOffset, values.byteLength);
  const ordered = BIG_ENDIAN ? swapped(Buffer.from(bytes), encoding) : bytes;
  return { encoding, shape: [...shape], data: ordered.toString('base64') };
}

/** A fresh array. Throws InvalidRequest `PACKED_FLOATS_INVALID` naming the field, also where the encoding is not 32-bit. */
export function unpackFloat32(packed: PackedFloats): Float32Array {
  const bytes = bytesOf(packed, 'f32-base64');
  return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
}

/** A fresh array; 32-bit numbers are widened. Throws InvalidRequest `PACKED_FLOATS_INVALID` naming the field. */
export function unpackFloat64(packed: PackedFloats): Float64Array {
  if (packed.encoding === 'f32-base64') return Float64Array.from(unpackFloat32(packed));
  const bytes = bytesOf(packed, 'f64-base64');
  return new Float64Array(bytes.buffer, bytes.byteOffset, bytes.length / 8);
}

/** In an array buffer of its own, so that any view of it is aligned. */
function bytesOf(packed: PackedFloats, encoding: PackedFloats['encoding']): Uint8Array<ArrayBuffer> {
  if (packed.encoding !== encoding)
    throw invalid('InvalidRequest', `the encoding is ${packed.encoding}, not ${encoding}`, 'encoding');
  const problem = problemOf(packed);
  if (problem !== undefined) throw invalid('InvalidRequest', problem.message, problem.path[0]!);
  return decoded(packed);
}

function decoded({ data, encoding }: PackedFloats): Uint8Array<ArrayBuffer> {
  const read = Buffer.from(data, 'base64');
  return Uint8Array.from(BIG_ENDIAN ? swapped(read, encoding) : read);
}

function problemOf(packed: PackedFloats): { message: string; path: string[] } | undefined {
  const size = sizeOf(packed.shape);
  if (size > PACKED_SIZE_MAX)
    return { message: `has ${size} numbers; ${PACKED_SIZE_MAX} are allowed`, path: ['shape'] };
  const length = size * WIDTH[packed.encoding];
  // Compared before decoding: a small shape must not make a large buffer of hostile data.
  if (packed.data.length !== Math.ceil(length / 3) * 4)
    return { message: `does not have the ${length} bytes of its shape`, path: ['data'] };
  const read = Buffer.from(packed.data, 'base64');
  if (read.length !== length || read.toString('base64') !== packed.data)
    return { message: 'is not padded base64', path: ['data'] };
  const { buffer } = decoded(packed);
  const values = packed.encoding === 'f32-base64' ? new Float32Array(buffer) : new Float64Array(buffer);
  const odd = values.findIndex((value) => !Number.isFinite(value));
  return odd < 0 ? undefined : { message: `number ${odd} is not finite`, path: ['data'] };
}

const sizeOf = (shape: readonly number[]): number => shape.reduce((size, length) => size * length, 1);

const swapped = (bytes: Buffer, encoding: PackedFloats['encoding']): Buffer =>
  encoding === 'f32-base64' ? bytes.swap32() : bytes.swap64();

const invalid = (family: 'InvalidRequest' | 'Invariant', what: string, field: string): EngineError =>
  new EngineError(family, 'PACKED_FLOATS_INVALID', `Packed floats: ${what}.`, { field });

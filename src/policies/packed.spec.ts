import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { EngineError } from '../kernel/errors.js';
import { packedFloatsSchema, packFloats, unpackFloat32, unpackFloat64, type PackedFloats } from './packed.js';

const good: PackedFloats = packFloats(Float32Array.of(1, 2, 3, 4, 5, 6), [2, 3]);

describe('packed floats', () => {
  it('have a form that other languages can make', () => {
    // struct.pack('<2f', 1, -2) and struct.pack('<1d', 0.1), in base64.
    expect(packFloats(Float32Array.of(1, -2))).toEqual({ encoding: 'f32-base64', shape: [2], data: 'AACAPwAAAMA=' });
    expect(packFloats(Float64Array.of(0.1))).toEqual({ encoding: 'f64-base64', shape: [1], data: 'mpmZmZmZuT8=' });
  });

  it('come back bit for bit, through JSON', () => {
    fc.assert(
      fc.property(fc.float64Array({ noDefaultInfinity: true, noNaN: true }), (values) => {
        const packed = JSON.parse(JSON.stringify(packFloats(values))) as PackedFloats;
        expect(packedFloatsSchema.safeParse(packed).success).toBe(true);
        expect(Buffer.from(unpackFloat64(packed).buffer)).toEqual(Buffer.from(values.slice().buffer));
      }),
    );
    fc.assert(
      fc.property(fc.float32Array({ noDefaultInfinity: true, noNaN: true }), (values) => {
        const back = unpackFloat32(packFloats(values));
        expect(Buffer.from(back.buffer)).toEqual(Buffer.from(values.slice().buffer));
      }),
    );
  });

  it('are a fresh array every time, from a part of a buffer too', () => {
    const part = new Float32Array([9, 1, 2, 9]).subarray(1, 3);
    const packed = packFloats(part);
    const one = unpackFloat32(packed);
    one[0] = 7;
    expect([...unpackFloat32(packed)]).toEqual([1, 2]);
    expect([...unpackFloat64(packed)]).toEqual([1, 2]);
  });

  it.each<[string, object, string]>([
    ['another shape', { shape: [2, 2] }, 'data'],
    ['a huge shape', { shape: [1e9, 1e9] }, 'shape'],
    ['letters that are none of base64', { data: `!${good.data.slice(1)}` }, 'data'],
    ['the URL alphabet', { data: '-_-_'.repeat(8) }, 'data'],
    ['a cut', { data: good.data.slice(0, -4) }, 'data'],
    ['nothing', { data: '' }, 'data'],
    ['NaN', { data: Buffer.from(Float32Array.of(1, 2, 3, 4, 5, Number.NaN).buffer).toString('base64') }, 'data'],
    ['infinity', { data: Buffer.from(Float32Array.of(1, 2, 3, 4, 5, Infinity).buffer).toString('base64') }, 'data'],
  ])('refuse %s', (_, part, field) => {
    const packed = { ...good, ...part };
    expect(packedFloatsSchema.safeParse(packed).error?.issues[0]?.path).toEqual([field]);
    expect(codeOf(() => unpackFloat32(packed))).toEqual(['InvalidRequest', 'PACKED_FLOATS_INVALID', field]);
  });

  it.each([
    { ...good, shape: [] },
    { ...good, shape: [-2, -3] },
    { ...good, shape: [1.5, 4] },
    { ...good, encoding: 'f16-base64' },
    { ...good, further: 1 },
    { ...good, data: 7 },
    null,
    'text',
  ])('refuse the shape of %j', (packed) => {
    expect(packedFloatsSchema.safeParse(packed).success).toBe(false);
  });

  it('refuse to be made of what they could not carry', () => {
    expect(codeOf(() => packFloats(Float32Array.of(1, Number.NaN)))).toContain('data');
    expect(codeOf(() => packFloats(Float32Array.of(1, 2), [3]))).toContain('shape');
    expect(codeOf(() => unpackFloat32(packFloats(Float64Array.of(1))))).toContain('encoding');
  });
});

function codeOf(run: () => unknown): unknown[] {
  try {
    run();
  } catch (error) {
    if (error instanceof EngineError) return [error.family, error.code, error.field];
    throw error;
  }
  throw new Error('It did not throw.');
}

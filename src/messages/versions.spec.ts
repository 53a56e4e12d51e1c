import { describe, expect, it } from '@jest/globals';
import { SCHEMA_STEPS } from './schema-steps/index.js';
import {
  assertSemantics,
  DataSchema,
  RECORD_VERSION,
  THIS_BUILD,
  THIS_SCHEMA,
  type Build,
  type SchemaStep,
} from './versions.js';

/** Two made-up schemas after this one: `n` is renamed, then `m` counts in tens. */
const steps: readonly SchemaStep[] = [
  {
    from: RECORD_VERSION,
    up: (_form, { n, ...rest }) => ({ ...rest, m: n }),
    down: (_form, { m, ...rest }) => ({ ...rest, n: m }),
  },
  {
    from: RECORD_VERSION + 1,
    up: (form, data) => (form === 'snapshot' ? { ...data, m: (data['m'] as number) / 10 } : data),
    down: (form, data) => (form === 'snapshot' ? { ...data, m: (data['m'] as number) * 10 } : data),
  },
];
const later: Build = { ...THIS_BUILD, schema: RECORD_VERSION + 2, semantics: 3, oldestSemantics: 2, steps };
const schemaOf = (writes: number): DataSchema => new DataSchema(later, writes);

describe('stored data', () => {
  it.each([0, 1, 2])('of a kept schema is taken up step by step: %i steps back', (back) => {
    const schema = schemaOf(later.schema - back);
    const stored = schema.write('snapshot', { m: 4 });
    expect(stored).toEqual({ v: later.schema - back, ...[{ m: 4 }, { m: 40 }, { n: 40 }][back] });
    expect(schema.read('snapshot', stored)).toEqual({ v: later.schema, m: 4 });
  });

  it('of one form is none of another form’s business', () => {
    expect(schemaOf(later.schema).read('decision', { v: RECORD_VERSION, n: 40 })).toEqual({ v: later.schema, m: 40 });
  });

  it.each([
    [RECORD_VERSION + 1, 'DATA_TOO_NEW'],
    [RECORD_VERSION + 1000, 'DATA_TOO_NEW'],
    [RECORD_VERSION - 1, 'DATA_TOO_OLD'],
  ])('of schema %i is refused with %s', (v, code) => {
    expect(() => THIS_SCHEMA.read('snapshot', { v, state: {} })).toThrow(
      expect.objectContaining({ family: 'Configuration', code }),
    );
  });

  it.each([undefined, null, '2', 0, -1, 2.5, NaN, Infinity, [2], {}])('that names its schema as %p is damaged', (v) => {
    expect(() => THIS_SCHEMA.read('snapshot', { v })).toThrow('it names no schema version');
  });

  it.each([
    [1, 'SEMANTICS_TOO_OLD'],
    [4, 'SEMANTICS_TOO_NEW'],
  ])('folded by rules of version %i is refused with %s', (semantics, code) => {
    expect(() => assertSemantics(semantics, later)).toThrow(expect.objectContaining({ family: 'Configuration', code }));
    expect(() => [2, 3].forEach((known) => assertSemantics(known, later))).not.toThrow();
  });
});

describe('this build', () => {
  it('has a step from every kept schema to the next', () => {
    const { schema, oldestSchema } = THIS_BUILD;
    expect(SCHEMA_STEPS.map(({ from }) => from)).toEqual(
      Array.from({ length: schema - oldestSchema }, (_, i) => oldestSchema + i),
    );
  });
});

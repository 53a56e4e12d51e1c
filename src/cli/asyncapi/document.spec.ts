import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { Ajv } from 'ajv';
import { describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { experience } from '../../../test/support/learning.js';
import { EXTERNAL_VERBS } from '../../messages/external-learner.js';
import { LEARNED_FAMILIES } from '../../policies/registry/learned-families.js';
import { asyncApiText } from '../asyncapi.js';
import { FAMILY_SCHEMAS } from './family-schemas.js';

const stored = readFileSync('docs/asyncapi.yaml', 'utf8');
const document = parse(stored) as Record<string, any>;
const asyncApi = createRequire(import.meta.url)('@asyncapi/specs/schemas/3.0.0-without-$id.json') as object;
const ajv = (): Ajv => new Ajv({ strict: false, logger: false, validateFormats: false, allErrors: true });

/** Follows a local reference. */
const at = (pointer: string): any =>
  pointer
    .slice(2)
    .split('/')
    .reduce((node: any, key) => node?.[key], document);

describe('docs/asyncapi.yaml', () => {
  it('is what npm run asyncapi writes', () => {
    expect(stored).toBe(asyncApiText());
  });

  it('is an AsyncAPI 3.0 document, and the check would find that it is not', () => {
    const isAsyncApi = ajv().compile(asyncApi);
    expect(isAsyncApi(document) ? [] : isAsyncApi.errors).toEqual([]);
    expect(isAsyncApi({ ...document, info: {} })).toBe(false);
    expect(isAsyncApi({ ...document, operations: { claim: { action: 'shout' } } })).toBe(false);
  });

  it('refers to nothing that is not there', () => {
    const references = [...stored.matchAll(/\$ref: '?(#\/[^'\s]+)/g)].map(([, pointer]) => pointer!);
    expect(references.length).toBeGreaterThan(EXTERNAL_VERBS.length * 4);
    expect(references.filter((pointer) => at(pointer) === undefined)).toEqual([]);
  });

  it('knows the parameters of every learned family', () => {
    expect(Object.keys(FAMILY_SCHEMAS).sort()).toEqual(Object.keys(LEARNED_FAMILIES).sort());
  });

  it('describes experience as it is written', () => {
    const isExperience = ajv().compile({ ...document['components'].schemas.experience });
    expect(isExperience(experience()) ? [] : isExperience.errors).toEqual([]);
    expect(isExperience({ ...experience(), reward: 'much' })).toBe(false);
  });
});

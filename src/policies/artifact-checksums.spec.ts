/** The test vectors by which other languages check how they compute an artifact's checksum. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { expect, it } from '@jest/globals';
import { artifactSchema, openArtifact, sealArtifact, type Artifact } from './artifact.js';

const { values, artifacts } = JSON.parse(readFileSync('docs/artifact-checksums.json', 'utf8')) as {
  values: { value: unknown; canonical: string }[];
  artifacts: Artifact[];
};

it.each(artifacts)('the checksum of $policy.id is what the engine computes', (artifact) => {
  const { checksum, ...unsealed } = artifactSchema.parse(artifact);
  expect(sealArtifact(unsealed).checksum).toBe(checksum);
  expect(openArtifact(Buffer.from(JSON.stringify(artifact)))).toEqual(artifact);
});

it.each(values)('$canonical is how the engine writes it', ({ value, canonical }) => {
  const envelope = { schema: 1, family: 'f', policy: { id: 'p', version: 1 } } as const;
  const lineage = { learner: 'l', experiences: 0, sequence: 0, createdAtMs: 0 };
  const text =
    '{"family":"f","lineage":{"createdAtMs":0,"experiences":0,"learner":"l","sequence":0},' +
    `"parameters":${canonical},"policy":{"id":"p","version":1},"schema":1}`;
  const { checksum } = sealArtifact({ ...envelope, parameters: value, lineage });
  expect(checksum).toBe(createHash('sha256').update(text, 'utf8').digest('hex'));
});

it('another schema version is named, not guessed at', () => {
  const bytes = Buffer.from(JSON.stringify({ ...artifacts[0], schema: 2 }));
  expect(() => openArtifact(bytes)).toThrow(expect.objectContaining({ code: 'ARTIFACT_SCHEMA', field: 'schema' }));
});

it.each([
  ['4 M brackets', '['.repeat(4_000_000), 'JSON_TOO_DEEP'],
  ['more numbers than one may have', `{"schema":1,"parameters":[${'0,'.repeat(1_000_001)}0]}`, 'JSON_TOO_MANY_TOKENS'],
])('%s are refused before they are parsed', (_what, text, code) => {
  expect(() => openArtifact(Buffer.from(text))).toThrow(expect.objectContaining({ code, family: 'InvalidRequest' }));
});

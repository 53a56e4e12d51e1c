/** `--policy`: which policy is evaluated. */
import { readFile } from 'node:fs/promises';
import { invalidRequest } from '../../kernel/errors.js';
import {
  FrequencyTarget,
  loggedTarget,
  policyTarget,
  uniformTarget,
  type TargetPolicy,
} from '../../learners/evaluation/target.js';
import { openArtifact } from '../../policies/artifact.js';
import { POLICY_FAMILIES } from '../../policies/families.js';
import { policyOf } from '../../policies/registry/registry.js';
import { readLog, type LogFile } from './read-log.js';

const FREQUENCIES = 'frequencies:';

/**
 * `uniform`, `logged`, `frequencies:LOG` (how often each action was chosen at each position of another log of the same
 * format) or the path of an artifact, mixed with an exploration floor. Rejects with InvalidRequest `POLICY_UNREADABLE`,
 * `ARTIFACT_*` or `LOG_*`.
 */
export async function targetFrom(text: string, log: LogFile, floor: number): Promise<TargetPolicy> {
  if (text === 'uniform') return uniformTarget;
  if (text === 'logged') return loggedTarget;
  if (text.startsWith(FREQUENCIES)) {
    const target = new FrequencyTarget('frequencies');
    for await (const decision of readLog({ ...log, path: text.slice(FREQUENCIES.length) })) target.add(decision);
    return target;
  }
  return policyTarget(policyOf(openArtifact(await bytesOf(text)), POLICY_FAMILIES), floor);
}

async function bytesOf(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (error) {
    throw invalidRequest('POLICY_UNREADABLE', `The policy cannot be read: ${(error as Error).message}`, 'policy');
  }
}

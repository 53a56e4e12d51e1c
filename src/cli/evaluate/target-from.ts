/** `--policy`: which policy is evaluated. */
import { readFile } from 'node:fs/promises';
import { EngineError, invalidRequest } from '../../kernel/errors.js';
import {
  FrequencyTarget,
  loggedTarget,
  policyTarget,
  uniformTarget,
  type TargetPolicy,
} from '../../learners/evaluation/target.js';
import { REFUSAL_RULES } from '../../learners/evaluation/refusal.js';
import { openArtifact } from '../../policies/artifact.js';
import { POLICY_FAMILIES } from '../../policies/families.js';
import { policyOf } from '../../policies/registry/policy-of.js';
import { badReasons, emptyReport, readLog, unreadShare, type LogFile } from './read-log.js';

const FREQUENCIES = 'frequencies:';

/**
 * `uniform`, `logged`, `frequencies:LOG` (how often each action was chosen at each position of another log of the same
 * format) or the path of an artifact, mixed with an exploration floor. Rejects with InvalidRequest `POLICY_UNREADABLE`,
 * `ARTIFACT_*`, `TARGET_FREQUENCIES` or `LOG_*`.
 */
export async function targetFrom(text: string, log: LogFile, floor: number): Promise<TargetPolicy> {
  if (text === 'uniform') return uniformTarget;
  if (text === 'logged') return loggedTarget;
  if (text.startsWith(FREQUENCIES)) return frequenciesOf(text.slice(FREQUENCIES.length), log);
  return policyTarget(policyOf(openArtifact(await bytesOf(text)), POLICY_FAMILIES), floor);
}

async function frequenciesOf(path: string, log: LogFile): Promise<TargetPolicy> {
  const target = new FrequencyTarget('frequencies');
  const report = emptyReport();
  try {
    for await (const decision of readLog({ ...log, path }, report)) target.add(decision);
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    throw new EngineError(error.family, error.code, `${path}: ${error.message}`, { field: 'policy', cause: error });
  }
  if (report.decisions > 0 && unreadShare(report) <= REFUSAL_RULES.badMax) return target;
  const { lines, decisions, badCount } = report;
  const why = badCount === 0 ? '' : `; ${badReasons(report)}`;
  throw invalidRequest(
    'TARGET_FREQUENCIES',
    `${path}: no policy comes of ${lines} lines, ${decisions} decisions among them and ${badCount} bad lines${why}`,
    'policy',
  );
}

async function bytesOf(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (error) {
    throw invalidRequest('POLICY_UNREADABLE', `The policy cannot be read: ${(error as Error).message}`, 'policy');
  }
}

/** What actors can be asked, and what that asks of the asker: the same scopes as over HTTP. */
import { EngineError } from '../kernel/errors.js';
import type { NatsScope } from '../kernel/scopes.js';
import { PUBLIC_KINDS } from './subjects.js';

export interface VerbAccess {
  /** An asker needs one of these. */
  readonly scopes: readonly NatsScope[];
  /** Each use is written to the audit log, as that of a route. */
  readonly audited?: 'personal data' | 'act';
}

export type Verbs = Readonly<Record<string, VerbAccess>>;

const user: Verbs = {
  decide: { scopes: ['decide'] },
  decision: { scopes: ['read'], audited: 'personal data' },
  view: { scopes: ['read'], audited: 'personal data' },
  // Whoever sends changes of consent is told what became of them.
  consent: { scopes: ['events', 'read'], audited: 'personal data' },
};

/** By kind of actor. Apps address the public kinds; a stand-in is asked what its user would be. */
export const VERBS = {
  user,
  anon: user,
  zone: { view: { scopes: ['read'] } },
  // Its books show money and who did what: for those who may command it.
  campaign: {
    view: { scopes: ['campaigns', 'read'] },
    books: { scopes: ['campaigns'] },
    command: { scopes: ['campaigns'], audited: 'act' },
  },
} as const satisfies Readonly<Record<string, Verbs>>;

/** Throws Configuration `ROUTE_WITHOUT_SCOPE` unless each verb names a scope: a verb is never open by accident. */
export function demandVerbScopes(kind: string, verbs: Verbs): void {
  const names = Object.keys(verbs);
  const open = names.find((verb) => verbs[verb]!.scopes.length === 0);
  if (names.length > 0 && open === undefined) return;
  const what = open === undefined ? `The kind ${kind} names no verbs` : `The verb ${open} of ${kind} names no scope`;
  throw new EngineError('Configuration', 'ROUTE_WITHOUT_SCOPE', `${what}.`);
}

/** The subjects, as apps spell them, that these scopes open: a kind's own where all of its verbs are open. */
export function subjectsFor(scopes: readonly NatsScope[]): string[] {
  const subjects: string[] = [];
  for (const kind of PUBLIC_KINDS) {
    const verbs: Verbs = VERBS[kind];
    const open = Object.keys(verbs).filter((verb) => verbs[verb]!.scopes.some((scope) => scopes.includes(scope)));
    // With all of them open, a verb that there is not is answered by the actor, in words.
    if (open.length === Object.keys(verbs).length) subjects.push(`attune.${kind}.*.>`);
    else subjects.push(...open.map((verb) => `attune.${kind}.*.${verb}`));
  }
  // Of the kinds there are, and no other: what nobody folds should not fill a journal.
  if (scopes.includes('events')) subjects.push(...PUBLIC_KINDS.map((kind) => `attune.event.${kind}.*.>`));
  return subjects;
}

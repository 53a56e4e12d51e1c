import { describe, expect, it } from '@jest/globals';
import { NATS_SCOPES, type NatsScope } from '../kernel/scopes.js';
import { demandVerbScopes, subjectsFor, VERBS, type Verbs } from './verbs.js';

/** Of the public kinds and no others. */
const EVENTS = ['attune.event.user.*.>', 'attune.event.zone.*.>', 'attune.event.campaign.*.>'];

/** Every verb, and the scopes that open it. */
const TABLE: readonly (readonly [kind: keyof typeof VERBS, verb: string, scopes: readonly NatsScope[]])[] = [
  ['user', 'decide', ['decide']],
  ['user', 'decision', ['read']],
  ['user', 'view', ['read']],
  ['user', 'consent', ['events', 'read']],
  ['anon', 'decide', ['decide']],
  ['anon', 'decision', ['read']],
  ['anon', 'view', ['read']],
  ['anon', 'consent', ['events', 'read']],
  ['zone', 'view', ['read']],
  ['campaign', 'view', ['read', 'campaigns']],
  ['campaign', 'books', ['campaigns']],
  ['campaign', 'command', ['campaigns']],
];

describe('verbs', () => {
  it('are all in the table', () => {
    const all = Object.entries(VERBS).flatMap(([kind, verbs]) => Object.keys(verbs).map((verb) => `${kind} ${verb}`));
    expect(all.sort()).toEqual(TABLE.map(([kind, verb]) => `${kind} ${verb}`).sort());
  });

  it.each(TABLE.filter(([kind]) => kind !== 'anon'))('%s %s', (kind, verb, opened) => {
    const matches = (scope: NatsScope): boolean =>
      subjectsFor([scope]).some(
        (subject) => subject === `attune.${kind}.*.${verb}` || subject === `attune.${kind}.*.>`,
      );
    expect(NATS_SCOPES.filter(matches).sort()).toEqual([...opened].sort());
  });

  it('are open as a kind where every one of them is, and stand-ins never', () => {
    expect(subjectsFor(['decide', 'events', 'read'])).toEqual([
      'attune.user.*.>',
      'attune.zone.*.>',
      'attune.campaign.*.view',
      ...EVENTS,
    ]);
    expect(subjectsFor(['decide'])).toEqual(['attune.user.*.decide']);
    expect(subjectsFor(['events'])).toEqual(['attune.user.*.consent', ...EVENTS]);
    expect(subjectsFor([...NATS_SCOPES]).join()).not.toContain('anon');
  });

  it('are audited where their routes are', () => {
    const audited = Object.entries(VERBS).flatMap(([kind, verbs]) =>
      Object.entries(verbs as Verbs).flatMap(([verb, access]) =>
        access.audited ? [[kind, verb, access.audited]] : [],
      ),
    );
    expect(audited).toEqual([
      ['user', 'decision', 'personal data'],
      ['user', 'view', 'personal data'],
      ['user', 'consent', 'personal data'],
      ['anon', 'decision', 'personal data'],
      ['anon', 'view', 'personal data'],
      ['anon', 'consent', 'personal data'],
      ['campaign', 'command', 'act'],
    ]);
  });

  it('stop the boot where one names no scope', () => {
    const refused = expect.objectContaining({ family: 'Configuration', code: 'ROUTE_WITHOUT_SCOPE' });
    expect(() => demandVerbScopes('user', { view: { scopes: ['read'] }, forget: { scopes: [] } })).toThrow(refused);
    expect(() => demandVerbScopes('user', { forget: { scopes: [] } })).toThrow(
      'The verb forget of user names no scope',
    );
    expect(() => demandVerbScopes('robot', {})).toThrow(refused);
    for (const [kind, verbs] of Object.entries(VERBS)) demandVerbScopes(kind, verbs);
  });
});

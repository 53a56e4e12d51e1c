import type { MutantArea, Net } from './mutant.js';

const TOWN: Net = { simulate: 'town', seeds: 60 };
const CONSENT_SPEC = 'src/actors/user/consent.spec.ts';
const DUTY = 'src/actors/user/duty.spec.ts';

export const CONSENT: MutantArea = {
  area: 'consent and duty',
  mutants: [
    {
      id: 'consent-late-grant-undoes-withdrawal',
      file: 'src/actors/user/consent.ts',
      find: 'const atMs = Math.min(saidMs, foldedMs);',
      replace: 'const atMs = foldedMs;',
      why: 'A grant that a phone sends late undoes a withdrawal made since.',
      nets: [CONSENT_SPEC, TOWN],
    },
    {
      id: 'consent-slow-clock-loses-withdrawal',
      file: 'src/actors/user/consent.ts',
      find: 'saidMs >= foldedMs - CONSENT_SKEW_MS ? foldedMs : saidMs',
      replace: 'saidMs',
      why: 'A withdrawal from a clock that is a little slow is lost to a grant before it.',
      nets: [CONSENT_SPEC, TOWN],
    },
    {
      id: 'consent-all-but-the-unheard-of',
      file: 'src/actors/user/consent-table.ts',
      find: 'const othersMs = all ? Math.max(table.othersMs, atMs) : table.othersMs;',
      replace: 'const othersMs = table.othersMs;',
      why: 'The withdrawal of everything does not cover purposes that were not heard of yet.',
      nets: [CONSENT_SPEC],
    },
    {
      id: 'consent-withdrawal-keeps-the-profile',
      file: 'src/actors/user/consent.ts',
      find: 'work.state = emptied(work.state, isGone, none);',
      replace: '',
      why: 'What was kept for a purpose stays after its withdrawal, and comes back with the next grant.',
      nets: [CONSENT_SPEC, TOWN],
    },
    {
      id: 'consent-partial-withdrawal-leaves-pending',
      file: 'src/actors/user/consent.ts',
      find: 'isGone(one.purpose) ? withdrawPending(one) : one',
      replace: 'none ? withdrawPending(one) : one',
      why: 'Decisions made for a purpose stay open after its withdrawal while another purpose is left.',
      nets: [CONSENT_SPEC],
    },
    {
      id: 'consent-any-purpose-will-do',
      file: 'src/actors/user/slices.ts',
      find: ': isGranted(state.consent, purpose as string);',
      replace: ': state.purposes.length > 0;',
      why: 'Consent to marketing alone writes counters, trips and places.',
      nets: [CONSENT_SPEC, TOWN],
    },
    {
      id: 'consent-ancient-grant-counts',
      file: 'src/actors/user/consent.ts',
      find: 'if (saidMs < foldedMs - pastMaxMs) {',
      replace: 'if (saidMs < 0) {',
      why: 'A grant of any age is taken.',
      nets: [CONSENT_SPEC],
    },
    {
      id: 'consent-unknown-type-taken',
      file: 'src/messages/events.ts',
      find: "type === 'consent' || type.startsWith('consent.')",
      replace: "type === 'consent'",
      why: 'An unknown change of consent, which may be a withdrawal, is taken and ignored.',
      nets: [CONSENT_SPEC],
    },
    {
      id: 'duty-older-sign-counts',
      file: 'src/actors/user/duty.ts',
      find: 'if (saidMs < dutyAtMs) return;',
      replace: '',
      why: "A driver's late sign of life puts her where she was before.",
      nets: [DUTY],
    },
    {
      id: 'duty-counted-in-two-zones',
      file: 'src/actors/user/duty.ts',
      find: "if (dutyZone !== '') tell(work, dutyZone, -1);\n  tell(work, cell, 1);",
      replace: 'tell(work, cell, 1);',
      why: 'A driver who moves counts in both zones.',
      nets: [DUTY, TOWN],
    },
    {
      id: 'duty-outlives-consent',
      file: 'src/actors/user/consent.ts',
      find: 'if (isGone(SLICES.duty.purpose) || isSaidBefore(work.state, after)) leaveDuty(work);',
      replace: '',
      why: 'A driver who withdraws consent stays in her zone for ever.',
      nets: [DUTY, TOWN],
    },
    {
      id: 'duty-silent-driver-stays',
      file: 'src/actors/user/duty.ts',
      find: 'if (silentAtMs <= atMs) leaveDuty(work);',
      replace: 'if (silentAtMs < 0) leaveDuty(work);',
      why: 'A driver of whom nothing is heard any more stays on the map.',
      nets: [DUTY],
    },
  ],
};

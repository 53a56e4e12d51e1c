import type { MutantArea, Net } from './mutant.js';

const TOWN: Net = { simulate: 'town', seeds: 60 };
const ZONE = 'src/actors/zone/zone.spec.ts';
const DUTY = 'src/actors/user/duty.spec.ts';

export const ZONES: MutantArea = {
  area: 'zones',
  mutants: [
    {
      id: 'zone-pickups-not-counted',
      file: 'src/actors/zone/zone.fold.ts',
      find: 'pickupsTotal: moved.pickupsTotal + 1',
      replace: 'pickupsTotal: moved.pickupsTotal',
      why: 'A zone forgets a pickup.',
      nets: [TOWN, ZONE],
    },
    {
      id: 'zone-driver-leaves-unsaid',
      file: 'src/actors/user/duty.ts',
      find: "  if (dutyZone !== '') tell(work, dutyZone, -1);\n  work.state = { ...work.state, dutyZone: '', dutyCheckMs: 0 };",
      replace: "  work.state = { ...work.state, dutyZone: '', dutyCheckMs: 0 };",
      why: 'A driver who goes is counted for ever.',
      nets: [TOWN, DUTY],
    },
    {
      id: 'zone-driver-in-two-zones',
      file: 'src/actors/user/duty.ts',
      find: "if (dutyZone !== '') tell(work, dutyZone, -1);\n  tell(work, cell, 1);",
      replace: 'tell(work, cell, 1);',
      why: 'A driver who moves is counted in both zones.',
      nets: [TOWN, DUTY],
    },
    {
      id: 'zone-late-duty-counts',
      file: 'src/actors/user/duty.ts',
      find: 'if (saidMs < dutyAtMs) return;',
      replace: '',
      why: 'A late event brings a driver back who has left since.',
      nets: [DUTY],
    },
    {
      id: 'zone-clock-goes-back',
      file: 'src/actors/zone/zone.fold.ts',
      find: 'const atMs = Math.max(opened.atMs, timeMs);',
      replace: 'const atMs = timeMs;',
      why: "A late event turns a zone's clock back.",
      nets: [ZONE],
    },
    {
      id: 'zone-late-event-weighs-in-full',
      file: 'src/actors/zone/zone.fold.ts',
      find: 'decayed(1, atMs - timeMs, halfLifeMs)',
      replace: 'decayed(1, 0, halfLifeMs)',
      why: 'An event of an hour ago counts as if it had happened now.',
      nets: [ZONE],
    },
    {
      id: 'zone-mode-without-hysteresis',
      file: 'src/actors/zone/zone.machine.ts',
      find: "if (mode === 'undersupplied' && ratio <= leaveRatio)",
      replace: "if (mode === 'undersupplied' && ratio <= enterRatio)",
      why: 'A zone flutters between two modes around one threshold.',
      nets: ['src/actors/zone/zone.machine.spec.ts'],
    },
    {
      id: 'zone-mode-stays',
      file: 'src/actors/zone/zone.fold.ts',
      find: 'checkAtMs: nowMs + Math.ceil(waitMs) + 1',
      replace: 'checkAtMs: 0',
      why: 'A zone without events stays undersupplied for ever.',
      nets: [ZONE],
    },
    {
      id: 'zone-hour-closed-twice',
      file: 'src/actors/zone/demand-profile.ts',
      find: 'let from = Math.max(firstHour, hourIndex - 1);',
      replace: 'let from = Math.max(firstHour, hourIndex - 2);',
      why: 'An hour that has gone into the profile goes into it again, as an empty one.',
      nets: [ZONE],
    },
    {
      id: 'zone-late-pickup-in-the-open-hour',
      file: 'src/actors/zone/demand-profile.ts',
      find: ': { ...state, firstHour, lastHour: state.lastHour + 1 };',
      replace: ': { ...state, firstHour, thisHour: state.thisHour + 1 };',
      why: 'A late pickup of the hour before counts in the present one.',
      nets: [ZONE],
    },
    {
      id: 'zone-supply-not-taken-back',
      file: 'src/actors/zone/zone.fold.ts',
      find: 'balanceRatio(demand, state.drivers)',
      replace: 'balanceRatio(demand, 0)',
      why: "A zone's mode does not see the drivers that are there.",
      nets: [ZONE],
    },
  ],
};

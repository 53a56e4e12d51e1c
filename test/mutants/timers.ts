import type { MutantArea, Net } from './mutant.js';

const TOY: Net = { simulate: 'toy', seeds: 100 };
const INDEX = 'src/actors/host/timer-index.spec.ts';
const FOLD = 'src/actors/host/fold.spec.ts';

export const TIMERS: MutantArea = {
  area: 'timers',
  mutants: [
    {
      id: 'timer-same-due-never-fires-again',
      file: 'src/actors/host/timer-index.ts',
      find: 'known.due === due && known.generation === generation',
      replace: 'known.due === due',
      why: 'A timer armed anew for the same due time, after it was taken, never fires.',
      nets: [INDEX, TOY],
    },
    {
      id: 'timer-fires-for-an-old-generation',
      file: 'src/actors/host/fold.ts',
      find: 'const stale = decoded.generation !== actor.timerGeneration;',
      replace: 'const stale = decoded.generation > actor.timerGeneration;',
      why: 'A timer that was moved fires at its old time.',
      nets: [FOLD, TOY],
    },
    {
      id: 'timer-fired-is-not-another-generation',
      file: 'src/actors/host/fold.ts',
      find: "if (activation.timerDue !== timerDueBefore || actorRecord.type === 'timer') {",
      replace: 'if (activation.timerDue !== timerDueBefore) {',
      why: 'A timer that is armed again for the time at which it fired keeps its generation, and never fires again.',
      nets: [FOLD, TOY],
    },
    {
      id: 'timer-lost-with-its-record',
      file: 'src/actors/host/timer-desk.ts',
      find: 'timers.restore(timer);',
      replace: '',
      why: 'A timer whose record was not stored is lost.',
      nets: [TOY],
    },
    {
      id: 'timer-room-leaks',
      file: 'src/actors/host/timer-desk.ts',
      find: 'this.inFlight--;\n        if (applied && !error) return;',
      replace: 'if (applied && !error) return;\n        this.inFlight--;',
      why: 'Timers that have fired take up room for ever, until none fires any more.',
      nets: [TOY],
    },
    {
      id: 'timer-fires-early',
      file: 'src/actors/host/timer-index.ts',
      find: 'if (!top || top.due > nowMs) break;',
      replace: 'if (!top || top.due > nowMs + 500) break;',
      why: 'Timers fire half a second before they are due.',
      nets: [INDEX, TOY],
    },
    {
      id: 'timer-replay-forgets-the-due',
      file: 'src/actors/host/fold.ts',
      find: 'const { state } = this;\n    this.timers.set(activation.key, activation.timerDue, activation.timerGeneration);\n    const trace',
      replace: 'const { state } = this;\n    const trace',
      why: "A replay past a snapshot keeps the checkpoint's timer instead of the snapshot's.",
      nets: [FOLD, TOY],
    },
  ],
};

import { describe, expect, it } from '@jest/globals';
import { NICENESS, NICENESS_AWAITED, yieldToDecisions, type Scheduling } from './yield-to-decisions.js';

const LAST_IN_LINE = 19;

/** As an unprivileged user finds it: nobody gets ahead of where he was put. */
function system(niceness: number, platform = 'linux'): Scheduling {
  return {
    platform,
    getPriority: () => niceness,
    setPriority(wanted) {
      if (wanted < niceness) throw new Error('EACCES');
      niceness = wanted;
    },
  };
}

describe('a thread that yields to decisions', () => {
  it('stands behind on Linux, and only there', () => {
    const [linux, other] = [system(0), system(0, 'darwin')];
    yieldToDecisions(NICENESS, linux);
    yieldToDecisions(NICENESS, other);
    expect([linux.getPriority(), other.getPriority()]).toEqual([NICENESS, 0]);
  });

  it('stands less far behind where somebody waits for it', () => {
    const linux = system(0);
    yieldToDecisions(NICENESS_AWAITED, linux);
    expect(linux.getPriority()).toBe(NICENESS_AWAITED);
    expect(NICENESS_AWAITED).toBeLessThan(NICENESS);
    const niced = system(LAST_IN_LINE);
    yieldToDecisions(NICENESS_AWAITED, niced);
    expect(niced.getPriority()).toBe(LAST_IN_LINE);
  });

  it('stays where it was put further behind', () => {
    const niced = system(LAST_IN_LINE);
    yieldToDecisions(NICENESS, niced);
    expect(niced.getPriority()).toBe(LAST_IN_LINE);
  });

  it('goes on where the system refuses', () => {
    const refusing: Scheduling = {
      ...system(0),
      setPriority() {
        throw new Error('EPERM');
      },
    };
    expect(() => yieldToDecisions(NICENESS, refusing)).not.toThrow();
  });
});

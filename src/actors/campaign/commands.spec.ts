import { describe, expect, it } from '@jest/globals';
import { digestOf, type CampaignCommand } from './commands.js';

const command: CampaignCommand = {
  name: 'raise-budget',
  by: 'ann',
  why: 'summer',
  payload: { budgetCents: 500, a: 1 },
};

describe("a command's digest", () => {
  it.each<[string, Partial<CampaignCommand>]>([
    ['name', { name: 'define' }],
    ['sender', { by: 'bob' }],
    ['reason', { why: 'winter' }],
    ['payload', { payload: { budgetCents: 501, a: 1 } }],
  ])('is another one for another %s', (_, part) => {
    expect(digestOf({ ...command, ...part })).not.toBe(digestOf(command));
  });

  it('is the same whatever the order of the fields, and for no payload as for an empty one', () => {
    expect(digestOf({ ...command, payload: { a: 1, budgetCents: 500 } })).toBe(digestOf(command));
    expect(digestOf({ ...command, payload: undefined })).toBe(digestOf({ ...command, payload: {} }));
  });
});

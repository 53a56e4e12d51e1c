import { describe, expect, it } from '@jest/globals';
import { subjects } from '../../messages/subjects.js';
import { AppBacklog, type AppBounds } from './app-backlog.js';
import type { JournalRecord } from './ports.js';

const BOUNDED: AppBounds = { eventsWaitingMax: 4, eventBytesWaitingMax: 100 };
const FREE: AppBounds = { eventsWaitingMax: Infinity, eventBytesWaitingMax: Infinity };

const record = (app: string, bytes = 1, cls: 'event' | 'decision' = 'event'): JournalRecord => ({
  sequence: 1,
  timestampMs: 0,
  subject: subjects.record(3, cls, app, 'user', '42', 'x'),
  payload: new Uint8Array(bytes),
  pending: 0,
});

function start(
  bounds = new Map([
    ['flood', BOUNDED],
    ['calm', BOUNDED],
    ['free', FREE],
  ]),
) {
  const told = { crowds: 0 };
  const backlog = new AppBacklog(3, bounds, () => told.crowds++);
  const arrive = (n: number, ...of: Parameters<typeof record>): void => {
    for (let i = 0; i < n; i++) backlog.arrived(record(...of));
  };
  return { backlog, arrive, told };
}

describe('the backlog of apps', () => {
  it('leaves out the app that has more waiting than its bound, and nobody else', () => {
    const { backlog, arrive, told } = start();
    arrive(4, 'flood');
    arrive(4, 'calm');
    expect([backlog.crowding([], false), told.crowds]).toEqual([[], 0]);
    arrive(3, 'flood');
    expect([backlog.crowding([], false), told.crowds]).toEqual([['flood'], 1]);
  });

  it('lets it come back once half of the bound is free, and not before everything was read', () => {
    const { backlog, arrive } = start();
    arrive(5, 'flood');
    backlog.taken(record('flood'));
    backlog.taken(record('flood'));
    expect([backlog.crowding([], false), backlog.crowding(['flood'], false)]).toEqual([[], ['flood']]);
    backlog.taken(record('flood'));
    expect(backlog.crowding(['flood'], true)).toEqual(['flood']);
    expect(backlog.crowding(['flood'], false)).toEqual([]);
  });

  it('counts bytes too, says again when it comes to be above, and lets in who is no longer bounded', () => {
    const { backlog, arrive, told } = start();
    arrive(1, 'flood', 101);
    backlog.taken(record('flood', 101));
    arrive(1, 'flood', 101);
    expect([backlog.crowding([], false), told.crowds]).toEqual([['flood'], 2]);
    expect(backlog.crowding(['gone', 'free'], true)).toEqual(['flood']);
  });

  it('counts events alone, of apps that have a bound', () => {
    const { backlog, arrive, told } = start();
    arrive(9, 'flood', 1, 'decision');
    arrive(9, 'free');
    arrive(9, 'nobody');
    expect([backlog.crowding([], false), told.crowds]).toEqual([[], 0]);
  });
});

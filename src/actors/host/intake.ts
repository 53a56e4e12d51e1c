/**
 * What a journal takes, by how full it is. A journal that fills stops taking events while decisions, timers and outputs go
 * on; nearly full, it takes only what must go on so that it can be trimmed. Each step back waits until there is more room
 * than the step needed, so that it does not flicker.
 */
import type { Clock } from '../../kernel/clock.js';
import { INTAKES, type Intake } from '../../messages/subjects.js';
import type { Journal, JournalRecord, JournalRoom } from './ports.js';

/** Shares of the journal's limit, and of the limits of what is written beside it. */
const EVENTS_END = { journal: 0.75, beside: 0.75 } as const;
const EVENTS_BEGIN = { journal: 0.5, beside: 0.65 } as const;
const OWNED_END_BESIDE = 0.92;
const OWNED_BEGIN_BESIDE = 0.85;
/** Of the reserve: decisions end here and may begin again there; then outputs. The rest is for barriers and verdicts. */
const OWNED_IN_RESERVE = { end: 0.3, begin: 0 } as const;
const OUTPUTS_IN_RESERVE = { end: 0.7, begin: 0.5 } as const;
/**
 * How much of the reserve the journal's limit is raised by. Each class has its share only once the one before it is shut
 * out: between two looks nothing can take what is meant for a barrier.
 */
const RESERVE_LENT: Readonly<Record<Intake, number>> = { all: 0, owned: 0.45, outputs: 0.85, control: 1 };

/** A journal's limit while it takes this, in bytes. */
export const limitWhile = (intake: Intake, limit: number, reserve: number): number =>
  Math.floor(limit + RESERVE_LENT[intake] * reserve);

/** From here on it is looked at more often, whatever comes: at its very limit nats-server 2.9.10 drops what is oldest. */
const WATCHED = 0.4;
const LOOKS_WHILE_FILLING = 4;
/**
 * Looks follow how fast it fills: the next one comes before half of what is left to the next step is filled, by what was
 * measured and by what is seen to come, but no sooner than this after the last, and after no less than this share.
 */
const LOOK_MS_MIN = 10;
const LOOK_SHARE_MIN = 1 / 128;
/**
 * What is expected to come before the next look has had its effect counts as there already, up to this share. Under a flood
 * looks are late and slow themselves: so many times the slowest of late is allowed for, which is forgotten slowly.
 */
const EXPECTED_SHARE_MAX = 0.5;
const SLOWEST_ALLOWED = 2;
const SLOWEST_KEPT = 0.98;
/** What a server keeps of each record beside its subject and payload. */
const STORED_OVERHEAD_BYTES = 30;
/** No record counts for less, so that their number is limited with their bytes. */
export const RECORD_BYTES_LEAST = 512;
/** From here on it is trimmed as far as may be, whatever the age of its records. */
const RELIEF_BEGINS = 0.6;

/** `beside`: the largest share in use of what the partition's owner writes to beside its journal. */
export function nextIntake({ bytes, limit, reserve, intake }: JournalRoom, beside: number): Intake {
  const fill = bytes / limit;
  const used = reserve > 0 ? (bytes - limit) / reserve : fill - 1;
  const took = INTAKES.indexOf(intake);
  /** Whether a class that was taken until now ends, or one that was not may not begin yet. */
  const ends = (level: Intake, end: boolean, begin: boolean): boolean =>
    took <= INTAKES.indexOf(level) ? end : !begin;
  if (ends('outputs', used >= OUTPUTS_IN_RESERVE.end, used <= OUTPUTS_IN_RESERVE.begin)) return 'control';
  const isTight = used >= OWNED_IN_RESERVE.end || beside >= OWNED_END_BESIDE;
  if (ends('owned', isTight, used <= OWNED_IN_RESERVE.begin && beside <= OWNED_BEGIN_BESIDE)) return 'outputs';
  const fills = fill >= EVENTS_END.journal || beside >= EVENTS_END.beside;
  const hasRoom = fill <= EVENTS_BEGIN.journal && beside <= EVENTS_BEGIN.beside;
  return ends('all', fills, hasRoom) ? 'owned' : 'all';
}

/** Bytes at which the next step is due. */
function nextStep({ limit, reserve, intake }: JournalRoom): number {
  if (intake === 'all') return EVENTS_END.journal * limit;
  if (intake === 'owned') return limit + OWNED_IN_RESERVE.end * reserve;
  return intake === 'outputs' ? limit + OUTPUTS_IN_RESERVE.end * reserve : Infinity;
}

const isPressed = ({ bytes, limit, intake }: JournalRoom): boolean =>
  intake !== 'all' || bytes >= RELIEF_BEGINS * limit;

export interface IntakeGuardOptions {
  readonly partition: number;
  readonly journal: Journal;
  readonly beside: () => Promise<number>;
  readonly clock: Clock;
  readonly everyMs: number;
  /** The apps to be left out, given those that are. */
  readonly crowding: (leftOut: readonly string[]) => readonly string[];
  /** Whether this owner still has a say. */
  readonly isLive: () => boolean;
  /** Trims what may be trimmed. */
  readonly relieve: () => void;
  readonly log: Record<'info' | 'warn', (message: string, fields?: Record<string, unknown>) => void>;
}

/** Why a look does not wait for its turn: there is too much of an app before the fold, or too much comes at all. */
type Hurry = 'crowd' | 'flood';

/**
 * Looks after one journal's intake, from before its owner's barrier: a journal that is full when it is taken over takes no
 * barrier either, until its events have been shut out and its limit raised by the reserve.
 */
export class IntakeGuard {
  /** As of the last look. */
  room: JournalRoom | undefined;
  private cancel: (() => void) | undefined;
  private looking: Promise<void> | undefined;
  private hurried = false;
  /** In use of what is beside the journal, as of the last look at it. */
  private share: number | undefined;
  private failing = false;
  private stopped = false;
  /** What was seen to come since the last look, and how much of it makes another one urgent. */
  private came = 0;
  private urgent = Infinity;
  /** The journal's last sequence as far as seen: now, and when it was last looked at. */
  private tail = 0;
  private tailAtLook: number | undefined;
  private lookedAtMs: number;
  /** Bytes a millisecond, between the last two looks; 0 where it did not grow. */
  private rate = 0;
  private dueAtMs: number | undefined;
  private slowestMs = 0;
  /** Bytes that will have come before the next look has had its effect. */
  private expected = 0;

  constructor(private readonly options: IntakeGuardOptions) {
    this.lookedAtMs = options.clock.monotonicMs();
  }

  /** Whether the journal fills, so that its records should go as soon as nobody needs them. */
  get isPressed(): boolean {
    return this.room !== undefined && isPressed(this.room);
  }

  start(): void {
    void this.look().finally(() => this.again());
  }

  stop(): void {
    this.stopped = true;
    this.cancel?.();
  }

  /** One at a time; a call meanwhile joins it. Never rejects. */
  look(hurry?: Hurry): Promise<void> {
    this.looking ??= this.lookOnce(hurry).finally(() => (this.looking = undefined));
    return this.looking;
  }

  /** Something has changed that a look under way may not have seen any more. */
  hurry(why: Hurry = 'crowd'): void {
    if (this.hurried || this.stopped) return;
    this.hurried = true;
    void (this.looking ?? Promise.resolve()).then(() => {
      this.hurried = false;
      return this.look(why);
    });
  }

  /** A record is seen to have come. Looks are for what is not seen, and this for what is faster than looks are. */
  arrived({ sequence, pending, subject, payload }: Omit<JournalRecord, 'timestampMs'>): void {
    this.tail = Math.max(this.tail, sequence + pending);
    this.tailAtLook ??= this.tail;
    // What was there already is in what the look has found.
    if (sequence <= this.tailAtLook) return;
    this.came += Math.max(RECORD_BYTES_LEAST, STORED_OVERHEAD_BYTES + subject.length + payload.length);
    if (this.came < this.urgent || this.hurried) return;
    if (this.options.clock.monotonicMs() - this.lookedAtMs >= LOOK_MS_MIN) this.hurry('flood');
  }

  private again(): void {
    if (this.stopped) return;
    const { clock } = this.options;
    const delayMs = this.untilNextMs();
    this.dueAtMs = clock.monotonicMs() + delayMs;
    this.cancel = clock.after(delayMs, () => this.start());
  }

  private untilNextMs(): number {
    const { room, rate } = this;
    const { everyMs } = this.options;
    if (room === undefined) return everyMs;
    const longest = room.bytes >= WATCHED * room.limit ? everyMs / LOOKS_WHILE_FILLING : everyMs;
    const filled = rate > 0 ? (nextStep(room) - room.bytes) / 2 / rate : Infinity;
    return Math.min(longest, Math.max(filled, LOOK_MS_MIN));
  }

  /** Asks, and takes down how fast it fills. */
  private async measured(begunAtMs: number): Promise<JournalRoom> {
    const { clock, journal } = this.options;
    const askedAtMs = clock.monotonicMs();
    const { came } = this;
    this.came = 0;
    if (this.tailAtLook !== undefined) this.tailAtLook = this.tail;
    const room = await journal.room();
    const tookMs = clock.monotonicMs() - Math.min(begunAtMs, this.dueAtMs ?? begunAtMs);
    this.dueAtMs = undefined;
    this.slowestMs = Math.max(tookMs, SLOWEST_KEPT * this.slowestMs);
    const grown = Math.max(this.room === undefined ? 0 : room.bytes - this.room.bytes, came);
    this.rate = Math.max(0, grown) / Math.max(1, askedAtMs - this.lookedAtMs);
    this.lookedAtMs = askedAtMs;
    const expected = this.rate * (LOOK_MS_MIN + SLOWEST_ALLOWED * this.slowestMs);
    this.expected = Math.min(expected, EXPECTED_SHARE_MAX * room.limit);
    return room;
  }

  private async lookOnce(hurry: Hurry | undefined): Promise<void> {
    const { partition, journal, beside, crowding, clock, isLive, relieve, log } = this.options;
    const begunAtMs = clock.monotonicMs();
    try {
      // What is beside it comes first: the change must follow the look at the journal at once.
      const share = hurry !== undefined && this.share !== undefined ? this.share : await beside();
      this.share = share;
      // Because of a crowd that is a round trip, behind all that crowds. Only a journal that takes everything is changed unseen:
      // the next look, a moment later, sees how full it is.
      const known = hurry === 'crowd' && this.room?.intake === 'all' ? this.room : undefined;
      const room = known ?? (await this.measured(begunAtMs));
      if (this.stopped || !isLive()) return;
      const now = nextIntake(room, share);
      // Events alone are shut out for what is yet to come.
      const filling = now === 'all' && nextIntake({ ...room, bytes: room.bytes + this.expected }, share) !== 'all';
      const intake = filling ? 'owned' : now;
      const leftOut = intake === 'all' ? crowding(room.leftOut) : [];
      const differs = !isSame(leftOut, room.leftOut);
      if (intake !== room.intake || differs) await journal.take(intake, leftOut);
      this.room = { ...room, intake, leftOut };
      this.urgent = Math.max((nextStep(this.room) - room.bytes) / 2, LOOK_SHARE_MIN * room.limit);
      if (intake !== room.intake) {
        log.warn(SAID[intake], { partition, bytes: room.bytes, limit: room.limit, beside: share, was: room.intake });
      }
      if (intake === 'all' && differs)
        log.info('events of apps with too many waiting are left out', { partition, leftOut });
      if (this.isPressed) relieve();
      this.failing = false;
    } catch (error) {
      if (!this.failing)
        log.warn('the room of a journal could not be looked after', { partition, error: String(error) });
      this.failing = true;
    }
  }
}

const isSame = (some: readonly string[], others: readonly string[]): boolean =>
  some.length === others.length && some.every((one) => others.includes(one));

const SAID: Readonly<Record<Intake, string>> = {
  all: 'a journal has room again and takes everything',
  owned: 'a journal is filling and takes no events; see "A store that fills" in docs/operating.md',
  outputs: 'a journal is nearly full and takes only outputs and control records',
  control: 'a journal is full and takes only control records',
};

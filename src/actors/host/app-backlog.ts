/**
 * What of each app waits in one partition's journal to be folded. The fold takes records in their order, so whatever an app
 * has waiting there delays the decisions behind it, other apps' too: above its bound its events are left out of the journal
 * until these are folded, and everybody else's go on.
 */
import type { JournalRecord } from './ports.js';

/** Per partition; Infinity where there is no bound. */
export interface AppBounds {
  readonly eventsWaitingMax: number;
  readonly eventBytesWaitingMax: number;
}

/** By app; an app that is not among them is not known. */
export type AppsOfHost = ReadonlyMap<string, AppBounds>;

interface Waiting {
  readonly app: string;
  readonly bounds: AppBounds;
  events: number;
  bytes: number;
}

/** An app that was left out comes back once so much of its bound is free. */
const FREE_SHARE = 0.5;

export class AppBacklog {
  /** Those with a bound. */
  private readonly apps = new Map<string, Waiting>();
  private readonly prefix: string;

  /** `onCrowd` is told when an app comes to be above its bound. */
  constructor(
    partition: number,
    apps: AppsOfHost | undefined,
    private readonly onCrowd: () => void,
  ) {
    this.prefix = `attune.p.${partition}.event.`;
    for (const [app, bounds] of apps ?? []) {
      if (Math.min(bounds.eventsWaitingMax, bounds.eventBytesWaitingMax) < Infinity)
        this.apps.set(app, { app, bounds, events: 0, bytes: 0 });
    }
  }

  arrived(record: JournalRecord): void {
    const waiting = this.of(record);
    if (!waiting) return;
    const wasAbove = isAbove(waiting, 1);
    waiting.events++;
    waiting.bytes += record.payload.length;
    if (!wasAbove && isAbove(waiting, 1)) this.onCrowd();
  }

  taken(record: JournalRecord): void {
    const waiting = this.of(record);
    if (!waiting) return;
    waiting.events--;
    waiting.bytes -= record.payload.length;
  }

  /**
   * The apps whose events the journal is not to take now. While it holds records that were not even read, nobody knows whose
   * they are, and who was left out stays so.
   */
  crowding(leftOut: readonly string[], hasUnread: boolean): string[] {
    return [...this.apps.values()]
      .filter((one) => (leftOut.includes(one.app) ? hasUnread || isAbove(one, FREE_SHARE) : isAbove(one, 1)))
      .map(({ app }) => app);
  }

  private of({ subject }: JournalRecord): Waiting | undefined {
    if (this.apps.size === 0 || !subject.startsWith(this.prefix)) return undefined;
    return this.apps.get(subject.slice(this.prefix.length, subject.indexOf('.', this.prefix.length)));
  }
}

const isAbove = ({ events, bytes, bounds }: Waiting, share: number): boolean =>
  events > share * bounds.eventsWaitingMax || bytes > share * bounds.eventBytesWaitingMax;

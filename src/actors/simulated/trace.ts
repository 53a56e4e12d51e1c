/** One line of what happened, as read by a person. */
export interface TraceLine {
  readonly atMs: number;
  readonly who: string;
  readonly what: string;
}

/**
 * Everything that happened in a run, folded into one hash, so that two runs of a seed can be compared; the lines
 * themselves are kept only on request.
 */
export class Trace {
  private state = 0x811c9dc5;
  readonly lines: TraceLine[] = [];

  constructor(private readonly keep: boolean) {}

  /** `detail` is for readers only: it is made where lines are kept, and is no part of the hash. */
  add(atMs: number, who: string, what: string, detail?: () => string): void {
    this.mix(who);
    this.mix(what);
    this.state = Math.imul(this.state ^ Math.floor(atMs * 1024), 0x01000193);
    if (this.keep) this.lines.push({ atMs, who, what: detail ? `${what} ${detail()}` : what });
  }

  /** Hexadecimal, eight digits. */
  get hash(): string {
    return (this.state >>> 0).toString(16).padStart(8, '0');
  }

  private mix(text: string): void {
    let state = this.state;
    for (let i = 0; i < text.length; i++) state = Math.imul(state ^ text.charCodeAt(i), 0x01000193);
    this.state = state;
  }
}

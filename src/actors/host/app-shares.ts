/**
 * Whose actors leave memory when there are too many: those of the apps that have more than their share. What one app does
 * not need of its share the others may have (max-min fairness; Bertsekas and Gallager, Data Networks, 6.5.2).
 */
import type { Activation } from './activation.js';

export class AppShares {
  /** Of each app its actors in memory, least recently used first. */
  private readonly lines = new Map<string, Set<Activation>>();

  /** Told of an actor that has come, or was used again. */
  use(activation: Activation): void {
    let line = this.lines.get(activation.app);
    if (!line) this.lines.set(activation.app, (line = new Set()));
    line.delete(activation);
    line.add(activation);
  }

  leave(activation: Activation): void {
    const line = this.lines.get(activation.app);
    if (line?.delete(activation) && line.size === 0) this.lines.delete(activation.app);
  }

  clear(): void {
    this.lines.clear();
  }

  /** What is above each app's share of `limit`, least recently used first. */
  *excess(limit: number): Generator<Activation, undefined> {
    const share = this.shareOf(limit);
    for (const line of this.lines.values()) {
      let over = line.size - share;
      for (const activation of line) {
        if (over-- <= 0) break;
        yield activation;
      }
    }
    return undefined;
  }

  /** The largest part that every app may have so that all together stay within `limit`. */
  private shareOf(limit: number): number {
    const sizes = Array.from(this.lines.values(), ({ size }) => size).sort((a, b) => a - b);
    let left = limit;
    for (const [i, size] of sizes.entries()) {
      const share = Math.floor(left / (sizes.length - i));
      if (size > share) return share;
      left -= size;
    }
    return Infinity;
  }
}

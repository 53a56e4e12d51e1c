/** One pending timer an actor, ordered by due time: a binary heap with lazy deletion. */
interface Entry {
  readonly key: string;
  readonly due: number;
  readonly generation: number;
}

export interface DueTimer {
  readonly key: string;
  readonly due: number;
  readonly generation: number;
}

export class TimerIndex {
  private readonly current = new Map<string, Entry>();
  private readonly heap: Entry[] = [];

  get size(): number {
    return this.current.size;
  }

  /** `due` 0 means none. */
  set(key: string, due: number, generation: number): void {
    if (due <= 0) {
      this.current.delete(key);
      return;
    }
    const known = this.current.get(key);
    if (known && known.due === due && known.generation === generation) return;
    const entry = { key, due, generation };
    this.current.set(key, entry);
    this.push(entry);
    if (this.heap.length > 64 && this.heap.length > 4 * this.current.size) this.rebuild();
  }

  get(key: string): DueTimer | undefined {
    return this.current.get(key);
  }

  /** The earliest timer, or undefined. */
  peek(): DueTimer | undefined {
    for (;;) {
      const top = this.heap[0];
      if (!top) return undefined;
      if (this.current.get(top.key) === top) return top;
      this.pop();
    }
  }

  /** Takes up to `limit` timers due at `nowMs` out of the heap; they stay known until `set` moves them. */
  takeDue(nowMs: number, limit: number): DueTimer[] {
    const due: DueTimer[] = [];
    while (due.length < limit) {
      const top = this.peek();
      if (!top || top.due > nowMs) break;
      this.pop();
      due.push(top);
    }
    return due;
  }

  /** Puts a taken timer back, if it is still the current one: its record was not stored. */
  restore(timer: DueTimer): void {
    const entry = this.current.get(timer.key);
    if (entry && entry.generation === timer.generation && entry.due === timer.due) this.push(entry);
  }

  /** Drawn one at a time, timers may be set meanwhile: each comes as it is when it is drawn, a new one at the end. */
  *entries(): Generator<[key: string, due: number, generation: number], undefined> {
    for (const { key, due, generation } of this.current.values()) yield [key, due, generation];
    return undefined;
  }

  private rebuild(): void {
    this.heap.length = 0;
    for (const entry of this.current.values()) this.push(entry);
  }

  private push(entry: Entry): void {
    const heap = this.heap;
    let i = heap.push(entry) - 1;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (heap[parent]!.due <= entry.due) break;
      heap[i] = heap[parent]!;
      i = parent;
    }
    heap[i] = entry;
  }

  private pop(): void {
    const heap = this.heap;
    const last = heap.pop()!;
    if (heap.length === 0) return;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && heap[child + 1]!.due < heap[child]!.due) child++;
      if (heap[child]!.due >= last.due) break;
      heap[i] = heap[child]!;
      i = child;
    }
    heap[i] = last;
  }
}

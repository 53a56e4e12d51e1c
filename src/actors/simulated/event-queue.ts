/** One thing that will happen at a simulated time. */
export interface QueuedEvent {
  readonly atMs: number;
  /** Orders events of the same time; equal for events that must stay in the order they were queued in. */
  readonly tie: number;
  readonly order: number;
  readonly run: () => void;
  cancelled: boolean;
}

const before = (a: QueuedEvent, b: QueuedEvent): boolean => {
  if (a.atMs !== b.atMs) return a.atMs < b.atMs;
  if (a.tie !== b.tie) return a.tie < b.tie;
  return a.order < b.order;
};

/** A binary heap of events by (time, tie, order of queueing). */
export class EventQueue {
  private readonly heap: QueuedEvent[] = [];
  private order = 0;

  get size(): number {
    return this.heap.length;
  }

  push(atMs: number, tie: number, run: () => void): QueuedEvent {
    const event: QueuedEvent = { atMs, tie, order: this.order++, run, cancelled: false };
    const heap = this.heap;
    let index = heap.length;
    heap.push(event);
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!before(event, heap[parent]!)) break;
      heap[index] = heap[parent]!;
      index = parent;
    }
    heap[index] = event;
    return event;
  }

  /** Removes and returns the first event that is not cancelled and not later than `untilMs`. */
  pop(untilMs: number): QueuedEvent | undefined {
    for (;;) {
      const first = this.heap[0];
      if (first === undefined || first.atMs > untilMs) return undefined;
      this.dropFirst();
      if (!first.cancelled) return first;
    }
  }

  private dropFirst(): void {
    const heap = this.heap;
    const last = heap.pop()!;
    if (heap.length === 0) return;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++;
      if (!before(heap[child]!, last)) break;
      heap[index] = heap[child]!;
      index = child;
    }
    heap[index] = last;
  }
}

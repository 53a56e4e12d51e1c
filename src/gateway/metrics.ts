/** Prometheus metrics of one gateway, in a registry of its own. */
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { LearnerStatus } from '../actors/learner/status.js';
import type { FaultCount } from '../policies/fault-book.js';
import { LearnerMetrics } from './learner-metrics.js';
import type { QueueGauges } from './ports.js';

const LATENCY_BUCKETS_SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1, 2.5];

export class GatewayMetrics {
  private readonly registry = new Registry();
  /** surface → degraded parts joined by `+` → count. Kept plain, because prom-client hashes labels at every increment. */
  private readonly counts = new Map<string, Map<string, number>>();
  private readonly latency: Histogram;
  private readonly accepted: Counter;
  private readonly rejected: Counter<'code'>;
  private readonly pendingConsent: Counter<'code'>;
  private readonly learners: LearnerMetrics;
  private readonly faults: Counter<'part' | 'id' | 'version' | 'surface' | 'reason'>;

  constructor(
    queues: QueueGauges,
    private readonly learnersNow: () => Promise<readonly LearnerStatus[]>,
    private readonly faultsNow: () => Promise<readonly FaultCount[]>,
    unreadableNow: () => Readonly<Record<string, number>>,
  ) {
    const registers = [this.registry];
    collectDefaultMetrics({ register: this.registry });
    const { counts } = this;
    new Counter({
      name: 'attune_decisions_total',
      help: 'Decisions answered, by surface and by the parts that were degraded.',
      labelNames: ['surface', 'degraded'] as const,
      registers,
      collect() {
        this.reset();
        for (const [surface, byPart] of counts) {
          for (const [degraded, n] of byPart) this.inc({ surface, degraded }, n);
        }
      },
    });
    this.latency = new Histogram({
      name: 'attune_decision_latency_seconds',
      help: 'Time from the parsed request to the answer.',
      buckets: LATENCY_BUCKETS_SECONDS,
      registers,
    });
    this.accepted = new Counter({ name: 'attune_events_accepted_total', help: 'Events journaled.', registers });
    this.rejected = new Counter({
      name: 'attune_events_rejected_total',
      help: 'Events rejected, by code.',
      labelNames: ['code'] as const,
      registers,
    });
    this.pendingConsent = new Counter({
      name: 'attune_consent_pending_total',
      help: 'Changes of consent that were journaled and whose outcome could not be told in time, by what kept it.',
      labelNames: ['code'] as const,
      registers,
    });
    new Gauge({
      name: 'attune_queue_depth',
      help: 'Depth of a bounded queue of this process.',
      labelNames: ['queue'] as const,
      registers,
      collect() {
        for (const [queue, depth] of Object.entries(queues.collect())) this.set({ queue }, depth);
      },
    });
    new Counter({
      name: 'attune_unreadable_total',
      help: 'What others have sent or stored, could not be read, and was passed over, by what it was.',
      labelNames: ['source'] as const,
      registers,
      collect() {
        this.reset();
        for (const [source, count] of Object.entries(unreadableNow())) this.inc({ source }, count);
      },
    });
    this.learners = new LearnerMetrics(this.registry);
    this.faults = new Counter({
      name: 'attune_decision_faults_total',
      help: 'What threw while a decision was made and was passed over: policies, sources and features, by reason.',
      labelNames: ['part', 'id', 'version', 'surface', 'reason'] as const,
      registers,
    });
  }

  decided(surface: string, degraded: readonly string[], latencyMs: number): void {
    this.latency.observe(latencyMs / 1000);
    let byPart = this.counts.get(surface);
    if (!byPart) this.counts.set(surface, (byPart = new Map()));
    const parts = degraded.length === 0 ? 'none' : degraded.join('+');
    byPart.set(parts, (byPart.get(parts) ?? 0) + 1);
  }

  eventsAccepted(n: number): void {
    if (n > 0) this.accepted.inc(n);
  }

  eventRejected(code: string): void {
    this.rejected.inc({ code });
  }

  consentPending(code: string, changes: number): void {
    this.pendingConsent.inc({ code }, changes);
  }

  get contentType(): string {
    return this.registry.contentType;
  }

  async text(): Promise<string> {
    const [learners, faults] = await Promise.all([this.learnersNow(), this.faultsNow()]);
    this.learners.set(learners);
    this.faults.reset();
    for (const { part, id, version, surface, reason, count } of faults)
      this.faults.inc({ part, id, version, surface, reason }, count);
    return this.registry.metrics();
  }
}

/** Who is alive, who owns what, and how far behind: asked of every announced host. */
import type { Subscription } from '@nats-io/transport-node';
import { requestActor } from '../actors/nats/request-transport.js';
import type { StatusSource } from '../gateway/ports.js';
import { JSON_BOUNDS, parseBoundedJson } from '../kernel/bounded-json.js';
import { subjects } from '../messages/subjects.js';
import type { Attachment } from './attachment.js';
import type { EngineHost } from './host-role.js';

/** More of a process than its host: what else runs in it. */
export type StatusParts = () => Readonly<Record<string, unknown>>;

/** Answers `attune.host.<id>.status` for this process; the returned function stops it. */
export function serveStatus(attachment: Attachment, hostId: string, host: EngineHost, parts: StatusParts): () => void {
  const subscription: Subscription = attachment.link.nc.subscribe(subjects.hostStatus(hostId), {
    callback: (error, message) => {
      if (!error) message.respond(Buffer.from(JSON.stringify({ ...host.status(), ...parts() })));
    },
  });
  return () => subscription.unsubscribe();
}

export class ClusterStatus implements StatusSource {
  constructor(
    private readonly attachment: Attachment,
    private readonly local:
      { readonly hostId: string; readonly host: EngineHost; readonly parts: StatusParts } | undefined,
    private readonly partitions: number,
  ) {}

  async hosts(deadlineMs: number): Promise<readonly unknown[]> {
    const { link, cluster } = this.attachment;
    const ids = await cluster.hosts.keys('');
    const answers = await Promise.all(
      ids.map(async (id): Promise<unknown> => {
        if (id === this.local?.hostId) return { ...this.local.host.status(), ...this.local.parts() };
        try {
          const reply = await requestActor(link.nc, subjects.hostStatus(id), new Uint8Array(0), deadlineMs);
          return parseBoundedJson(reply, JSON_BOUNDS.internal);
        } catch {
          return { host: id, unreachable: true };
        }
      }),
    );
    return answers;
  }

  notReady(): readonly string[] {
    if (!this.attachment.link.up) return ['NATS is out of reach'];
    if (!this.local) return [];
    const { host } = this.local;
    const { hosts, refused } = host.status();
    const reasons = Object.entries(refused).map(([partition, reason]) => `partition ${partition}: ${reason}`);
    // With company, some partitions are rightly elsewhere; alone, all must be here.
    if (hosts.length <= 1 && host.servedPartitions < this.partitions) {
      reasons.push(`${host.servedPartitions} of ${this.partitions} partitions are served`);
    }
    return reasons;
  }
}

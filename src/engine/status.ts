/** Who is alive, who owns what, and how far behind: asked of every announced host. */
import type { Msg, Subscription } from '@nats-io/transport-node';
import { z } from 'zod';
import { requestActor } from '../actors/nats/request-transport.js';
import type { StatusSource } from '../gateway/ports.js';
import { subjects } from '../messages/subjects.js';
import type { Attachment } from './attachment.js';
import type { EngineHost } from './host-role.js';

/** More of a process than its host: what else runs in it. */
export type StatusParts = () => Readonly<Record<string, unknown>>;

/** What others rely on in a host's answer; the rest is shown as it came. */
const saidSchema = z.looseObject({
  host: z.string(),
  faults: z
    .array(
      z.looseObject({
        part: z.string(),
        id: z.string(),
        version: z.number(),
        surface: z.string(),
        reason: z.string(),
        count: z.number(),
      }),
    )
    .optional(),
});

/** Answers `attune.host.<id>.status` for this process; the returned function stops it. */
export function serveStatus(attachment: Attachment, hostId: string, host: EngineHost, parts: StatusParts): () => void {
  const subscription: Subscription = attachment.link.nc.subscribe(subjects.hostStatus(hostId), {
    callback: attachment.link.unreadable.guard('request', (message: Msg) => {
      message.respond(Buffer.from(JSON.stringify({ ...host.status(), ...parts() })));
    }),
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
          const said = link.unreadable.read('status-reply', id, reply, saidSchema);
          return said ?? { host: id, unreadable: true };
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

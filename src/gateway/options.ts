/** What can be configured about the gateway. All limits are named here. */
import { z } from 'zod';
import { EVENT_BYTES_MAX } from '../kernel/bounded-json.js';
import { DEFAULT_APP } from '../kernel/ids.js';
import { SCOPES } from '../kernel/scopes.js';

const count = z.number().int().positive();
const perSecond = z.number().int().min(0).default(0);

export const gatewayOptionsSchema = z
  .strictObject({
    /** Largest request body, in bytes, before and after gunzip. */
    bodyBytesMax: count.default(2 * 1024 * 1024),
    /** Largest journal record, in bytes. */
    recordBytesMax: count.max(EVENT_BYTES_MAX).default(EVENT_BYTES_MAX),
    eventsPerBatchMax: count.default(1000),
    /** Requests to actors that may be under way at once; above it callers get 429 `OVERLOADED`. */
    requestsInFlightMax: count.default(2048),
    /** Events that may be on their way to the journals at once. */
    eventsInFlightMax: count.default(50_000),
    connectionsMax: count.default(10_000),
    /** Of one address (an IPv6 /64 is one); 0: no limit. */
    connectionsPerAddressMax: z.number().int().min(0).default(1000),
    /** A client that takes longer to send a request, or to read its answer, is cut off. */
    slowClientMs: count.default(30_000),
    /** How long a decision or a view waits for its actor where the request does not say. */
    deadlineMs: count.default(1000),
    /** Points a second; 0: no limit. A request is one, and one more for each 64 KB; an event of a batch is one. */
    rateLimit: z.strictObject({ perAddress: perSecond, perKey: perSecond, perUser: perSecond }).prefault({}).readonly(),
    /** The apps, and what each may send a second; the first is whoever calls where there are no keys. */
    apps: z
      .array(
        z.strictObject({ name: z.string().min(1), eventsPerSecondMax: perSecond, eventBytesPerSecondMax: perSecond }),
      )
      .min(1)
      .prefault([{ name: DEFAULT_APP }])
      .readonly(),
    /** Who may call; none: everybody who can connect. Only hashes are configured, in lower-case hex. */
    apiKeys: z
      .array(
        z.strictObject({
          name: z.string().min(1).max(64),
          /** The first app where left out. */
          app: z.string().min(1).optional(),
          sha256: z.string().regex(/^[0-9a-f]{64}$/, 'must be 64 lower-case hex digits'),
          scopes: z.array(z.enum(SCOPES)).min(1).readonly(),
        }),
      )
      .default([])
      .readonly(),
    /** Where given, only requests to loopback or to these hosts are answered, and only pages from there. */
    allowedHosts: z.array(z.string().min(1)).readonly().optional(),
    /** Whether `/docs` is served. */
    docs: z.boolean().default(true),
  })
  .readonly();

export type GatewayOptions = z.infer<typeof gatewayOptionsSchema>;
export type GatewayOptionsInput = z.input<typeof gatewayOptionsSchema>;

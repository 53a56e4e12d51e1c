/** What can be configured about the gateway. All limits are named here. */
import { z } from 'zod';

const count = z.number().int().positive();
const perSecond = z.number().int().min(0).default(0);

export const gatewayOptionsSchema = z
  .strictObject({
    /** Largest request body, in bytes, before and after gunzip. */
    bodyBytesMax: count.default(2 * 1024 * 1024),
    /** Largest journal record, in bytes. */
    recordBytesMax: count.default(256 * 1024),
    eventsPerBatchMax: count.default(1000),
    /** Requests to actors that may be under way at once; above it callers get 429 `OVERLOADED`. */
    requestsInFlightMax: count.default(2048),
    /** Events that may be on their way to the journals at once. */
    eventsInFlightMax: count.default(50_000),
    connectionsMax: count.default(10_000),
    /** How long a decision or a view waits for its actor where the request does not say. */
    deadlineMs: count.default(1000),
    /** Requests a second; 0: no limit. */
    rateLimit: z.strictObject({ perKey: perSecond, perUser: perSecond }).prefault({}).readonly(),
    /** Who may call; none: everybody who can connect. Only hashes are configured, in lower-case hex. */
    apiKeys: z
      .array(
        z.strictObject({
          name: z.string().min(1).max(64),
          sha256: z.string().regex(/^[0-9a-f]{64}$/, 'must be 64 lower-case hex digits'),
        }),
      )
      .default([])
      .readonly(),
    /** Whether `/docs` is served. */
    docs: z.boolean().default(true),
  })
  .readonly();

export type GatewayOptions = z.infer<typeof gatewayOptionsSchema>;
export type GatewayOptionsInput = z.input<typeof gatewayOptionsSchema>;

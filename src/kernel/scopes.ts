/** What a key may be allowed to do. */

export const SCOPES = ['decide', 'events', 'read', 'campaigns', 'operate', 'audit', 'erase'] as const;

/**
 * `decide`: ask for decisions. `events`: send events and rewards. `read`: see what actors hold, personal data among it.
 * `campaigns`: command campaigns. `operate`: status, metrics, dead letters. `audit`: read the audit trail. `erase`: erase
 * and export a person's data.
 */
export type Scope = (typeof SCOPES)[number];

/** Those that something on NATS asks for; the rest is for HTTP alone. */
export const NATS_SCOPES = ['decide', 'events', 'read', 'campaigns'] as const satisfies readonly Scope[];
export type NatsScope = (typeof NATS_SCOPES)[number];

/** What an app may do over NATS where its settings do not say: all but command campaigns, which spends money. */
export const DEFAULT_NATS_SCOPES: readonly NatsScope[] = ['decide', 'events', 'read'];

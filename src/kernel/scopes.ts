/** What a key may be allowed to do. */

export const SCOPES = ['decide', 'events', 'read', 'campaigns', 'operate', 'audit', 'erase'] as const;

/**
 * `decide`: ask for decisions. `events`: send events and rewards. `read`: see what actors hold, personal data among it.
 * `campaigns`: command campaigns. `operate`: status, metrics, dead letters. `audit`: read the audit trail. `erase`: erase
 * and export a person's data.
 */
export type Scope = (typeof SCOPES)[number];

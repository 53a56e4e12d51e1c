/**
 * The bounded table of an actor's last decisions. It answers a repeated requestId with the decision that was made for
 * it, and finds a decision's record in the journal. Horizon: settings.user.requestIdsMax decisions an actor.
 *
 * An entry is one string, `nonce sequence purpose hash requestId`; hash and requestId are empty where the request had none.
 */
export interface RecentDecision {
  readonly nonce: string;
  /** Where the journal has it. */
  readonly sequence: number;
  /** Of its surface: a word without spaces. */
  readonly purpose: string;
  readonly requestHash: string;
  readonly requestId: string;
}

export function rememberDecision(recent: readonly string[], entry: RecentDecision, limit: number): readonly string[] {
  const text = `${entry.nonce} ${entry.sequence.toString(36)} ${entry.purpose} ${entry.requestHash} ${entry.requestId}`;
  return recent.length < limit ? [...recent, text] : [...recent.slice(recent.length - limit + 1), text];
}

export function findByNonce(recent: readonly string[], nonce: string): RecentDecision | undefined {
  const start = `${nonce} `;
  for (let i = recent.length - 1; i >= 0; i--) if (recent[i]!.startsWith(start)) return parse(recent[i]!);
  return undefined;
}

export function findByRequestId(recent: readonly string[], requestId: string): RecentDecision | undefined {
  const end = ` ${requestId}`;
  for (let i = recent.length - 1; i >= 0; i--) {
    if (!recent[i]!.endsWith(end)) continue;
    const entry = parse(recent[i]!);
    // A requestId may have spaces itself and so end like another one.
    if (entry.requestId === requestId) return entry;
  }
  return undefined;
}

/** What is left of the table when purposes are gone. */
export const recentWithout = (recent: readonly string[], isGone: (purpose: string) => boolean): readonly string[] =>
  recent.filter((text) => !isGone(parse(text).purpose));

function parse(text: string): RecentDecision {
  const first = text.indexOf(' ');
  const second = text.indexOf(' ', first + 1);
  const third = text.indexOf(' ', second + 1);
  const fourth = text.indexOf(' ', third + 1);
  return {
    nonce: text.slice(0, first),
    sequence: parseInt(text.slice(first + 1, second), 36),
    purpose: text.slice(second + 1, third),
    requestHash: text.slice(third + 1, fourth),
    requestId: text.slice(fourth + 1),
  };
}

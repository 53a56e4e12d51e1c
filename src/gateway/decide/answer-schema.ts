/** JSON schema of an answer: what the serialiser is compiled from and what `/docs` shows. */

const text = { type: 'string' } as const;
const number = { type: 'number' } as const;

const reason = {
  type: 'object',
  required: ['code', 'text'],
  properties: { code: text, text, contribution: number },
} as const;

const slateItem = {
  type: 'object',
  required: ['id', 'score', 'propensity', 'reasons'],
  properties: {
    id: text,
    score: number,
    propensity: { type: 'number', description: 'Probability of this item here, given the items before it.' },
    reasons: { type: 'array', items: reason },
    forced: { type: 'boolean', description: 'A pinned position; left out of off-policy estimates.' },
  },
} as const;

export const decisionAnswerJsonSchema = {
  type: 'object',
  required: [
    'decisionId',
    'surface',
    'slate',
    'policy',
    'personalized',
    'filtered',
    'degraded',
    'fallbackReason',
    'validUntil',
    'token',
    'latencyMs',
  ],
  properties: {
    decisionId: text,
    surface: text,
    slate: { type: 'array', items: slateItem },
    policy: { type: 'object', required: ['id', 'version'], properties: { id: text, version: number } },
    personalized: { type: 'boolean' },
    filtered: {
      type: 'array',
      items: { type: 'object', required: ['id', 'rule'], properties: { id: text, rule: text } },
    },
    degraded: { type: 'array', items: text, description: 'Parts that were missing, as in `zone`, `owner`, `after`.' },
    fallbackReason: { type: 'string', nullable: true },
    validUntil: text,
    token: { type: 'string', description: 'Read-your-writes token; send it as `after`.' },
    latencyMs: number,
  },
} as const;

/** Whether a value survives JSON as it is. */

/** The path of the first thing that JSON would lose or change; undefined where there is none. */
export function notPlain(value: unknown, path = '$'): string | undefined {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return undefined;
  if (typeof value === 'number') return Number.isFinite(value) ? undefined : `${path} is ${value}`;
  if (typeof value !== 'object') return `${path} is of type ${typeof value}`;
  if (Array.isArray(value)) return firstOf(value.map((item, index) => [`${path}[${index}]`, item] as const));
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null)
    return `${path} is a ${(value as { constructor?: { name?: string } }).constructor?.name ?? 'class'}`;
  return firstOf(Object.entries(value).map(([key, item]) => [`${path}.${key}`, item] as const));
}

function firstOf(entries: readonly (readonly [path: string, value: unknown])[]): string | undefined {
  for (const [path, item] of entries) {
    // An absent field may be written as undefined: JSON drops it, and nothing is lost.
    const found = item === undefined ? undefined : notPlain(item, path);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** A moment as ISO 8601 in UTC, from milliseconds since the epoch. Formats only: it reads no clock. */
export const isoTime = (ms: number): string => new Date(ms).toISOString();

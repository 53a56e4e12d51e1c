/** What a live host says of itself to the others, under its id in the bucket of hosts. */
import { z } from 'zod';
import type { Build, ClusterVersions } from '../../messages/versions.js';

const announcementSchema = z.object({
  host: z.string(),
  incarnation: z.string(),
  /** Newest schema it reads, and newest rules its folds know. */
  reads: z.number().int().min(1),
  semantics: z.number().int().min(1),
});
export type Announcement = z.infer<typeof announcementSchema>;

export function encodeAnnouncement(of: Pick<Announcement, 'host' | 'incarnation'>, build: Build): Uint8Array {
  const announcement: Announcement = { ...of, reads: build.schema, semantics: build.semantics };
  return Buffer.from(JSON.stringify(announcement));
}

/** Of a host whose announcement cannot be understood nothing is known: it is taken for one that reads the least. */
export function announcedVersions(value: Uint8Array): ClusterVersions {
  try {
    const { reads, semantics } = announcementSchema.parse(JSON.parse(Buffer.from(value).toString('utf8')));
    return { schema: reads, semantics };
  } catch {
    return { schema: 1, semantics: 1 };
  }
}

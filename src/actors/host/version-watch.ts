/** Knows the cluster's versions, and lets them rise once every live host knows the newer ones. */
import type { Clock } from '../../kernel/clock.js';
import type { ClusterVersions } from '../../messages/versions.js';
import { announcedVersions } from './announcement.js';
import { raiseVersions, readVersions } from './cluster-constants.js';
import type { KeyValue } from './ports.js';

export interface VersionWatchOptions {
  readonly constants: KeyValue;
  /** Left out where no host runs in this process: then it only looks. */
  readonly hosts?: KeyValue | undefined;
  readonly clock: Clock;
  readonly everyMs: number;
  /** Those in force as the process began. */
  readonly versions: ClusterVersions;
  readonly onFailure: (error: unknown) => void;
}

export class VersionWatch {
  /** In force as last seen. What is older than the cluster's own by now is still read by every host. */
  current: ClusterVersions;
  private cancel: (() => void) | undefined;
  private stopped = false;

  constructor(private readonly options: VersionWatchOptions) {
    this.current = options.versions;
  }

  start(): void {
    if (this.stopped) return;
    this.cancel = this.options.clock.after(this.options.everyMs, () => {
      void this.look()
        .catch((error: unknown) => this.options.onFailure(error))
        .then(() => this.start());
    });
  }

  stop(): void {
    this.stopped = true;
    this.cancel?.();
  }

  private async look(): Promise<void> {
    const { hosts, constants } = this.options;
    if (hosts === undefined) {
      this.current = await readVersions(constants);
      return;
    }
    const announced = await Promise.all((await hosts.keys('')).map((key) => hosts.get(key)));
    const live = announced.flatMap((stored) => (stored === undefined ? [] : [announcedVersions(stored.value)]));
    this.current = await raiseVersions(constants, live);
  }
}

import { existsSync } from 'node:fs';
import { APRIL, readPickups, scoreHeatmap } from '../heatmap-offline.js';
import { less, more, type Entry } from '../entry.js';

export const heatmap: Entry = {
  name: 'heatmap',
  about: 'share of a month of real pickups in the k zones ranked first; target popularity, limit the best in hindsight',
  async run({ say }) {
    if (!existsSync(APRIL)) {
      say(`left out: the pickups are not at ${APRIL} (ATTUNE_DATA_DIR names their folder)`);
      return [];
    }
    const { shares, rankMs } = scoreHeatmap(readPickups(APRIL));
    return [
      ...shares.map(({ k, source, popularity, hindsight }) =>
        more(`heatmap.share-${k}`, source, `of pickups in ${k} zones`, { target: popularity, limit: hindsight }),
      ),
      less('heatmap.rank', rankMs, 'ms'),
    ];
  },
};

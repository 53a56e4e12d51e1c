/** The demo's engine: the shipped configuration, with time compressed so that one can watch it learn. */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';

/** So much faster passes the city's time than a clock: a day takes less than two and a half minutes. */
export const TIME_SCALE = 600;
export const CITY_HOUR_MS = 3_600_000 / TIME_SCALE;

/** Learning starts when a decision's window closes; nobody would watch for longer. */
const WINDOW_MS_MAX = 4_000;
const WINDOW_MS_MIN = 1_000;

const SURFACES_DIR = 'config/surfaces';

const scaled = (ms: number): number => Math.max(WINDOW_MS_MIN, Math.round(ms / TIME_SCALE));

interface SurfaceFile {
  validMs: number;
  reward: { windowMs: number };
  caps?: { windowMs: number }[];
}

export const DEMO_LEARNERS = [
  { id: 'pickup-thompson', kind: 'beta-thompson', surface: 'rider.pickup', policy: 'pickup-thompson', config: {} },
  {
    id: 'discount-q',
    kind: 'q-learning',
    surface: 'promo.discount',
    policy: 'discount-q',
    // One offer does not lead to the next here: each step is an episode of its own.
    config: { discount: 0, withoutNext: 'terminal' },
  },
] as const;

/** Fields laid over the shipped configuration. `port` 0: any free one. */
export function demoSettings(surfacesDir: string, port: number): Record<string, unknown> {
  return {
    role: 'all',
    'http.port': port,
    // What the engine's threads say goes to standard error, where the dashboard is.
    'log.level': 'error',
    surfacesDir,
    'fold.user.sessionIdleMs': scaled(30 * 60_000),
    'fold.user.fatigue.halfLifeMs': scaled(6 * 3_600_000),
    'fold.user.fatigue.coolDownMs': scaled(3_600_000),
    'fold.zone.halfLifeMs': scaled(60 * 60_000),
    learners: DEMO_LEARNERS,
  };
}

/** Writes the shipped surfaces with shorter windows into `folder`, and gives it back. */
export async function writeDemoSurfaces(folder: string): Promise<string> {
  await mkdir(folder, { recursive: true });
  for (const file of await readdir(SURFACES_DIR)) {
    if (!file.endsWith('.yaml')) continue;
    const surface = parse(await readFile(join(SURFACES_DIR, file), 'utf8')) as SurfaceFile;
    surface.reward.windowMs = Math.min(WINDOW_MS_MAX, scaled(surface.reward.windowMs));
    // An offer stands no longer than its decision waits for the impression.
    surface.validMs = Math.min(surface.validMs, surface.reward.windowMs);
    for (const cap of surface.caps ?? []) cap.windowMs = scaled(cap.windowMs);
    const head = `# Made from ${SURFACES_DIR}/${file} at every start of the demo: windows are ${TIME_SCALE} times shorter.\n`;
    await writeFile(join(folder, file), head + stringify(surface));
  }
  return folder;
}

/** What campaigns cost, with few and with very many of them live: a launch, and a decision between a surface's own. */
import { less, more, type Entry, type Result } from '../entry.js';
import { startEngine, type Engine } from '../support/engine.js';
import { flood, postJson } from '../support/http-load.js';
import { settle } from '../support/processes.js';
import { CONNECTIONS, consent, userOf } from '../support/workload.js';
import { CAMPAIGNS } from '../support/surfaces.js';

const FEW = 20;
const MANY = Number(process.env['ATTUNE_BENCH_CAMPAIGNS'] ?? 20_000);
const SURFACE = 'promo.discount';
/** Where all the others are. */
const ELSEWHERE = 'promo.elsewhere';
const LANES = 8;
const USERS_PER_CONNECTION = 20;
const SECONDS = 4;
/** Launches of which the cost is read, behind those that are live already. */
const MEASURED = 100;
const LAUNCH_MS_PROMISED = 5;

async function launch(url: string, id: string, surface: string): Promise<void> {
  const command = (name: string, payload?: unknown): Promise<unknown> =>
    postJson(url, `/v1/campaigns/${id}/commands`, {
      name,
      why: 'bench',
      ...(payload === undefined ? {} : { payload }),
    });
  const offers = [{ id: `offer-${id}`, costCents: 500, features: { percent: 10 } }];
  await command('define', { name: id, surface, budgetCents: 1_000_000_000, offerValidMs: 60_000, offers });
  await command('launch');
}

async function launchAll(url: string, from: number, to: number, surface: string): Promise<void> {
  let next = from;
  const lane = async (): Promise<void> => {
    for (let n = next++; n < to; n = next++) await launch(url, `c${n}`, surface);
  };
  await Promise.all(Array.from({ length: LANES }, lane));
}

async function measure(engine: Engine, live: number, say: (line: string) => void): Promise<Result[]> {
  const { url, pid } = engine;
  await settle([pid]);
  say(`${MEASURED} launches, ${live} campaigns live`);
  const before = (await engine.read()).hostCpuUs;
  // What is live on the surface of the decisions stays what it was.
  await launchAll(url, live, live + MEASURED, ELSEWHERE);
  await settle([pid]);
  const launchMs = ((await engine.read()).hostCpuUs - before) / MEASURED / 1_000;
  say(`${SECONDS} s of decisions`);
  const { rate } = await flood({
    url,
    path: '/v1/decisions',
    seconds: SECONDS,
    connections: CONNECTIONS,
    bodiesOf: (connection) =>
      Array.from({ length: USERS_PER_CONNECTION }, (_, i) =>
        JSON.stringify({
          surface: SURFACE,
          subject: { kind: 'rider', id: userOf(connection * USERS_PER_CONNECTION + i) },
        }),
      ),
  });
  return [
    less(`campaigns.launch-${live}`, launchMs, 'ms of host time', { target: LAUNCH_MS_PROMISED }),
    more(`campaigns.decisions-${live}`, rate, 'decisions/s'),
  ];
}

export const campaigns: Entry = {
  name: 'campaigns',
  about: `launches, and decisions between the offers of ${FEW} campaigns, with ${FEW} and with ${MANY} live`,
  async run({ say }) {
    const engine = await startEngine({ settings: CAMPAIGNS });
    await consent(engine.url, CONNECTIONS * USERS_PER_CONNECTION);
    await launchAll(engine.url, 0, FEW, SURFACE);
    const few = await measure(engine, FEW, say);
    say(`launching up to ${MANY} campaigns`);
    await launchAll(engine.url, FEW + MEASURED, MANY, ELSEWHERE);
    const many = await measure(engine, MANY, say);
    await engine.stop();
    return [...few, ...many];
  },
};

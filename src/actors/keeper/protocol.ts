/** What the main thread and the keeper say to each other: plain data, in order, each way. */
import type { WireError } from '../../kernel/errors.js';
import type { LeaseRequest } from './keeper.js';

export type KeeperTask =
  | ({ readonly do: 'acquire'; readonly cell: number } & LeaseRequest)
  | { readonly do: 'confirm'; readonly cell: number; readonly epoch: number }
  | { readonly do: 'release'; readonly cell: number }
  | { readonly do: 'abandon'; readonly cell: number }
  | { readonly do: 'announce'; readonly key: string; readonly value: string }
  | { readonly do: 'withdraw' }
  /** Nothing is written any more once it is answered. */
  | { readonly do: 'stop' };

/** Tasks are answered each once, under the same id, in any order. */
export type KeeperMessage = KeeperTask & { readonly id: number };

/** `value`: of acquire the epoch, 0 where another holds the lease; of confirm 1 where it is held, else 0. */
export type KeeperReply =
  { readonly id: number; readonly value: number } | { readonly id: number; readonly error: WireError };

import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import { EngineError } from '../../kernel/errors.js';

/** At most so many requests a second for each key, counted in this process. */
export interface RateLimit {
  /** Rejects with Overloaded `RATE_LIMITED` and the time until the window ends. */
  take(key: string): Promise<void>;
}

export function rateLimit(perSecond: number, whom: string): RateLimit {
  const limiter = new RateLimiterMemory({ points: perSecond, duration: 1 });
  return {
    async take(key) {
      try {
        await limiter.consume(key);
      } catch (refusal) {
        if (!(refusal instanceof RateLimiterRes)) throw refusal;
        throw new EngineError(
          'Overloaded',
          'RATE_LIMITED',
          `This ${whom} has made more than ${perSecond} requests in a second.`,
          { retryAfterMs: refusal.msBeforeNext },
        );
      }
    },
  };
}

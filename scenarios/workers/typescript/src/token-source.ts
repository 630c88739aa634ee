/** The cached token and the one grant that replaces it. */

import type { Grant } from './grant.js';
import type { Secret } from './secret.js';

/**
 * Caches one token, and asks for a new one only when there is none. One per identity: client, scopes, audience.
 *
 * - Single flight: callers that find no token await the same grant, so an expiry that hits a hundred activities costs
 *   one request. A grant that fails fails its waiters; the next caller starts afresh.
 * - Refresh on retry: a token is used until the API refuses it. No clock and no `expires_in` is read, so neither a
 *   skewed clock nor a wrong lifetime can hurt.
 * - Only the very token that was refused is dropped; a late refusal of the old one does not throw away the new one.
 * - A cancelled caller stops waiting, but the grant goes on: nothing interrupts a rotation half-way.
 */
export class TokenSource {
  readonly #grant: Grant;
  #cached: Secret | undefined;
  #flight: Promise<Secret> | undefined;

  constructor(grant: Grant) {
    this.#grant = grant;
  }

  /** A token that, as far as is known, is good. Rejects with `Failure`, or with the reason of `cancelled`. */
  async get(cancelled?: AbortSignal): Promise<Secret> {
    if (this.#cached) return this.#cached;
    this.#flight ??= this.#grant()
      .then((token) => (this.#cached = token))
      .finally(() => (this.#flight = undefined));
    return unless(cancelled, this.#flight);
  }

  /** Says that `refused` was refused. A newer token stays. */
  invalidate(refused: Secret): void {
    if (refused.equals(this.#cached)) this.#cached = undefined;
  }

  /** Waits until no grant is under way, so that a rotated refresh token is not lost on shutdown. */
  async settle(): Promise<void> {
    await this.#flight?.catch(() => undefined);
  }
}

function unless<T>(cancelled: AbortSignal | undefined, promise: Promise<T>): Promise<T> {
  if (!cancelled) return promise;
  return new Promise((resolve, reject) => {
    const cancel = (): void => reject(cancelled.reason);
    cancelled.addEventListener('abort', cancel);
    if (cancelled.aborted) cancel();
    promise.then(resolve, reject).finally(() => cancelled.removeEventListener('abort', cancel));
  });
}

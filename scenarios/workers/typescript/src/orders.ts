/** The protected API: orders. */

import { Failure, type Kind } from './failure.js';
import { type Answer, answered, connections, send } from './http.js';
import { retryAfter } from './retry-after.js';
import type { TokenSource } from './token-source.js';

/** Which activity makes a call; but for `cancelled`, the same for all its attempts. */
export interface Call {
  workflowId: string;
  activityId: string;
  cancelled?: AbortSignal;
}

/** The API over HTTP with a bearer token. Every method rejects with `Failure`, or with the reason of `cancelled`. */
export class Orders {
  readonly #base: string;
  readonly #tokens: Pick<TokenSource, 'get' | 'invalidate'>;
  readonly #timeout: number;
  readonly #connections = connections();

  constructor(base: URL, tokens: Pick<TokenSource, 'get' | 'invalidate'>, timeout: number) {
    this.#base = base.href.replace(/\/$/, '');
    this.#tokens = tokens;
    this.#timeout = timeout;
  }

  /** Reads an order. */
  fetch(call: Call, order: string): Promise<unknown> {
    return this.#send(call, 'GET', `/orders/${encodeURIComponent(order)}`);
  }

  /** Reads one page of its items; pages count from 1. */
  items(call: Call, order: string, page: number): Promise<unknown> {
    return this.#send(call, 'GET', `/orders/${encodeURIComponent(order)}/items?page=${page}`);
  }

  /**
   * Ships it, an effect: the API does it once per idempotency key. The key is the same for every attempt, also after a
   * reset of the workflow to an earlier point: neither the attempt nor the run is part of it. It relies on workflow ids
   * that are not used again for other work.
   */
  ship(call: Call, order: string): Promise<unknown> {
    const key = { 'Idempotency-Key': utf8(`${call.workflowId}/${call.activityId}`) };
    return this.#send(call, 'POST', `/orders/${encodeURIComponent(order)}/ship`, key);
  }

  close(): Promise<void> {
    return this.#connections.destroy();
  }

  /**
   * One request. A refused token is dropped here and nowhere else; the next attempt gets a new one, so the retry
   * policy, and not a loop in this process, paces the refreshes.
   */
  async #send(call: Call, method: string, path: string, headers: Record<string, string> = {}): Promise<unknown> {
    const token = await this.#tokens.get(call.cancelled);
    const request = {
      method,
      dispatcher: this.#connections,
      headers: { Authorization: `Bearer ${token.reveal()}`, 'X-Workflow-Id': utf8(call.workflowId), ...headers },
    };
    const answer = await answered(
      'ApiUnavailable',
      'API',
      this.#timeout,
      (signal) => send(this.#base + path, { ...request, signal }),
      call.cancelled,
    );
    if (answer.status < 200 || answer.status > 299) {
      const failure = refused(answer);
      if (failure.kind === 'TokenExpired') this.#tokens.invalidate(token);
      throw failure;
    }
    if (!answer.text) return null;
    try {
      return JSON.parse(answer.text);
    } catch {
      // A login page with status 200 is no order.
      throw new Failure('ApiUnavailable', 'API: answer cannot be read');
    }
  }
}

function refused({ status, headers }: Answer): Failure {
  const delay = retryAfter(headers);
  const scope = headers.get('WWW-Authenticate')?.includes('insufficient_scope') ?? false;
  return new Failure(kindOf(status, scope, delay !== undefined), `API: status ${status}`, delay);
}

function kindOf(status: number, lacksScope: boolean, wantsDelay: boolean): Kind {
  switch (status) {
    case 401:
      return 'TokenExpired';
    case 403:
      if (lacksScope) return 'InsufficientScope';
      // With a wish to wait it is a rate limit in disguise.
      return wantsDelay ? 'RateLimited' : 'Forbidden';
    case 429:
      return 'RateLimited';
    case 408:
    case 409: // The first request with this idempotency key is still being worked on.
    case 425:
      return 'ApiUnavailable';
    default:
      // Redirects are unavailability, too: they lead to a login page, and are not followed.
      return status >= 400 && status < 500 ? 'ApiRejected' : 'ApiUnavailable';
  }
}

/** As a header field's value: `fetch` takes a string for bytes, one a character. */
function utf8(text: string): string {
  return Buffer.from(text).toString('latin1');
}

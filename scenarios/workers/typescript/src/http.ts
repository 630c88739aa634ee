/** What the clients of identity provider and API have in common. */

import { EnvHttpProxyAgent, fetch, type RequestInit, type Response } from 'undici';

import { Failure, type Kind } from './failure.js';

/**
 * The connections. Node's own `fetch` knows nothing of proxy variables before Node 24; this agent obeys them and
 * `NO_PROXY`. It repeats nothing by itself: a refresh that is sent twice kills the token family.
 */
export const connections = (): EnvHttpProxyAgent => new EnvHttpProxyAgent({ connect: { timeout: 2_000 } });

/** An answer, read to its end. */
export interface Answer {
  status: number;
  headers: Response['headers'];
  text: string;
}

/**
 * Sends one request. No redirect is followed: that would carry the client's secret or the token to another host (RFC
 * 9700 §4.12).
 */
export async function send(url: string, request: RequestInit): Promise<Answer> {
  const reply = await fetch(url, { ...request, redirect: 'manual' });
  return { status: reply.status, headers: reply.headers, text: await reply.text() };
}

/**
 * Ends `exchange` after `timeout` milliseconds in all, and says why there is no answer.
 *
 * The client's own timeouts are per read, so a server that dribbles could hold an activity for ever. The error's own
 * text is dropped: it may hold the URL or a header. If `cancelled` fires first, its reason is thrown as it is.
 */
export async function answered<T>(
  kind: Kind,
  party: string,
  timeout: number,
  exchange: (signal: AbortSignal) => Promise<T>,
  cancelled?: AbortSignal,
): Promise<T> {
  cancelled?.throwIfAborted();
  const end = new AbortController();
  const cancel = (): void => end.abort(cancelled?.reason);
  cancelled?.addEventListener('abort', cancel);
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    end.abort();
  }, timeout);
  try {
    return await exchange(end.signal);
  } catch (error) {
    if (error instanceof Failure) throw error;
    if (late) throw new Failure(kind, `${party}: no answer in time`);
    cancelled?.throwIfAborted();
    throw new Failure(kind, `${party}: ${reason(error)}`);
  } finally {
    clearTimeout(timer);
    cancelled?.removeEventListener('abort', cancel);
  }
}

/** `fetch` gives each failure of the connection a cause with a code such as ECONNREFUSED, and only those. */
function reason(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  if (!(cause instanceof Error)) return 'request cannot be built';
  return 'code' in cause && /^[A-Z][A-Z0-9_]*$/.test(String(cause.code)) ? `no answer (${cause.code})` : 'no answer';
}

/**
 * What can go wrong, as a closed list: the type that a workflow sees, and whether trying again can help.
 *
 * A `Failure` is built from numbers and words of this package and error codes of Node.js only, never from a URL, a
 * header, a body or another error's text. Failure messages are stored in plain text in the workflow's history; with
 * this class a secret cannot get there by accident.
 */

/** The failure's type as workflows, retry policies and dashboards see it. */
export type Kind =
  /** The API refused the access token (401). The token is dropped; the retry gets a new one. */
  | 'TokenExpired'
  /** The identity provider says that the grant or the client is no longer good. Only a person can help. */
  | 'TokenRevoked'
  /** The token is good, but not for this (RFC 6750 §3.1). A refresh cannot widen it. */
  | 'InsufficientScope'
  /** The API refused for another reason (403). Proxies and firewalls answer so too, hence retryable. */
  | 'Forbidden'
  /** 429, or another refusal that says when to come back. */
  | 'RateLimited'
  /** The token endpoint gave no usable answer. */
  | 'IdpUnavailable'
  /** The API gave no usable answer. */
  | 'ApiUnavailable'
  /** The API understood the request and will never accept it. */
  | 'ApiRejected'
  /** The refresh token's file cannot be read, locked or written. */
  | 'TokenStoreUnavailable'
  /** A mistake in this worker. Retried: the next release may know better. */
  | 'Unexpected';

/** The kinds that end the workflow; everything else is retried for as long as the retry policy allows. */
export const PERMANENT: readonly Kind[] = ['TokenRevoked', 'InsufficientScope', 'ApiRejected'];

/** One failed step of an activity. */
export class Failure extends Error {
  override readonly name = 'Failure';

  constructor(
    readonly kind: Kind,
    message: string,
    /** The delay in milliseconds that the other side asked for. */
    readonly retryAfter?: number,
  ) {
    super(message);
  }
}

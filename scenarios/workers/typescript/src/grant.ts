/** The two grants. Whatever must survive is on disk before the access token is returned. */

import type { Secret } from './secret.js';
import type { Issued, TokenEndpoint } from './token-endpoint.js';
import type { RefreshTokenFile } from './token-file.js';

/** Gets one new access token, or rejects with `Failure`. */
export type Grant = () => Promise<Secret>;

/** RFC 6749 §4.4: the client acts for itself. */
export function clientCredentials(endpoint: Pick<TokenEndpoint, 'clientCredentials'>): Grant {
  return async () => (await endpoint.clientCredentials()).accessToken;
}

/**
 * RFC 6749 §6: the client acts for whoever consented. Each use may replace the refresh token (RFC 9700 §4.14).
 *
 * If no answer comes, the file still holds the token that was sent, and the retry presents it again: the identity
 * provider alone knows whether it rotated, and its grace period or its refusal decides.
 */
export function refresh(endpoint: Pick<TokenEndpoint, 'refresh'>, file: RefreshTokenFile): Grant {
  /** A rotation that could not be written: `old` is in the file, `next` is what the identity provider knows. */
  let unsaved: { old: Secret; next: Secret } | undefined;

  async function save(old: Secret, next: Secret): Promise<void> {
    unsaved = { old, next };
    await file.write(next);
    unsaved = undefined;
  }

  /** What to present: the file's token, unless this process knows that it could not save its successor. */
  async function newest(): Promise<Secret> {
    const stored = await file.read();
    if (!unsaved?.old.equals(stored)) return stored;
    const { old, next } = unsaved;
    await save(old, next);
    return next;
  }

  return () =>
    file.locked(async () => {
      const presented = await newest();
      const issued: Issued = await endpoint.refresh(presented);
      if (issued.refreshToken) await save(presented, issued.refreshToken);
      return issued.accessToken;
    });
}

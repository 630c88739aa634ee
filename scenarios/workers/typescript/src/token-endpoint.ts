/** The call to the token endpoint, by oauth4webapi; which answers are permanent and which are not. */

import * as oauth from 'oauth4webapi';
import { fetch } from 'undici';

import { Failure, type Kind } from './failure.js';
import { answered, connections } from './http.js';
import { retryAfter } from './retry-after.js';
import { isBearer, Secret } from './secret.js';
import { isLoopback, type OAuth } from './settings.js';

/** Tells "never again" from "not now" (RFC 6749 §5.2). Only these codes are shown: another text could hold anything. */
const CODES = new Map<unknown, Kind>([
  ['invalid_grant', 'TokenRevoked'],
  ['invalid_client', 'TokenRevoked'],
  ['unauthorized_client', 'TokenRevoked'],
  ['access_denied', 'TokenRevoked'],
  ['disabled_client', 'TokenRevoked'],
  ['deleted_client', 'TokenRevoked'],
  ['invalid_scope', 'InsufficientScope'],
  ['slow_down', 'RateLimited'],
  ['invalid_request', 'IdpUnavailable'],
  ['unsupported_grant_type', 'IdpUnavailable'],
  ['temporarily_unavailable', 'IdpUnavailable'],
  ['server_error', 'IdpUnavailable'],
]);

/**
 * What came back. `expires_in` is left out on purpose: it may be missing or wrong, and nobody here looks at the clock.
 */
export interface Issued {
  accessToken: Secret;
  refreshToken: Secret | undefined;
}

/** The token endpoint of one client. Each request is sent once, and rejects with `Failure`. */
export class TokenEndpoint {
  readonly #settings: OAuth;
  readonly #timeout: number;
  readonly #client: oauth.Client;
  readonly #clientAuth: oauth.ClientAuth;
  readonly #connections = connections();
  #server: oauth.AuthorizationServer | undefined;

  /** Sends nothing yet, discovery included: a worker must be able to start while the identity provider is down. */
  constructor(settings: OAuth, timeout: number) {
    this.#settings = settings;
    this.#timeout = timeout;
    this.#client = { client_id: settings.clientId };
    const authenticate =
      settings.clientAuth === 'client_secret_basic' ? oauth.ClientSecretBasic : oauth.ClientSecretPost;
    this.#clientAuth = authenticate(settings.clientSecret.reveal());
    if (settings.tokenUrl) {
      this.#server = { issuer: settings.tokenUrl.origin, token_endpoint: settings.tokenUrl.href };
    }
  }

  /** RFC 6749 §4.4. */
  clientCredentials(): Promise<Issued> {
    const asked = new URLSearchParams();
    if (this.#settings.scopes) asked.set('scope', this.#settings.scopes);
    if (this.#settings.audience) asked.set('audience', this.#settings.audience);
    return this.#exchange((server, options) =>
      oauth.clientCredentialsGrantRequest(server, this.#client, this.#clientAuth, asked, options),
    );
  }

  /** RFC 6749 §6; without `scope`, which asks for what was consented to. */
  async refresh(token: Secret): Promise<Issued> {
    const issued = await this.#exchange((server, options) =>
      oauth.refreshTokenGrantRequest(server, this.#client, this.#clientAuth, token.reveal(), options),
    );
    return token.equals(issued.refreshToken) ? { ...issued, refreshToken: undefined } : issued;
  }

  close(): Promise<void> {
    return this.#connections.destroy();
  }

  #exchange(
    request: (server: oauth.AuthorizationServer, options: oauth.TokenEndpointRequestOptions) => Promise<Response>,
  ): Promise<Issued> {
    return answered('IdpUnavailable', 'identity provider', this.#timeout, async (signal) => {
      this.#server ??= await this.#discover(signal);
      const reply = await request(this.#server, this.#options(new URL(this.#server.token_endpoint ?? ''), signal));
      return read(reply.status, reply.headers, await reply.text());
    });
  }

  /** Reads the issuer's metadata; another issuer's document is refused (RFC 8414 §3.3). */
  async #discover(signal: AbortSignal): Promise<oauth.AuthorizationServer> {
    const issuer = this.#settings.issuer;
    if (!issuer) throw new TypeError('neither issuer nor token endpoint');
    const reply = await oauth.discoveryRequest(issuer, this.#options(issuer, signal));
    if (reply.status !== 200) throw refused(reply.status, reply.headers);
    try {
      const server = await oauth.processDiscoveryResponse(issuer, reply);
      if (URL.canParse(server.token_endpoint ?? '')) return server;
    } catch (error) {
      // What broke off is no document, and no wrong one either.
      if (!(error instanceof oauth.OperationProcessingError) || signal.aborted) throw error;
    }
    throw new Failure('IdpUnavailable', 'identity provider: discovery document cannot be used');
  }

  /** The library insists on https; this machine is the exception. */
  #options(url: URL, signal: AbortSignal): oauth.TokenEndpointRequestOptions & oauth.DiscoveryRequestOptions {
    return {
      signal,
      [oauth.allowInsecureRequests]: isLoopback(url.hostname),
      [oauth.customFetch]: (to, request) => {
        // undici's types and Node's describe the same thing twice.
        const init = { ...request, dispatcher: this.#connections } as unknown as Parameters<typeof fetch>[1];
        return fetch(to, init) as unknown as Promise<Response>;
      },
    };
  }
}

/**
 * Reads an answer of the token endpoint. The library's `process…Response` would refuse a whole answer over parts that
 * do not matter here, such as an `expires_in` that is no number, and a rotated refresh token would be lost with it.
 */
function read(status: number, headers: Headers, text: string): Issued {
  // Only these carry an answer of the protocol (RFC 6749 §5.1, §5.2); others come from a proxy or a fault.
  if (![200, 400, 401, 403].includes(status)) throw refused(status, headers);
  const fields = object(text);
  if (status === 200 && fields) return issued(fields);
  const code = fields?.['error'];
  // Auth0 refuses a dead refresh token with 403, which is a proxy's favourite, too: that one word is taken from it.
  if (status === 403 && code !== 'invalid_grant') throw refused(status, headers);
  if (!fields) throw new Failure('IdpUnavailable', 'identity provider: answer cannot be read');
  const kind = CODES.get(code);
  throw new Failure(kind ?? 'IdpUnavailable', `identity provider: ${kind ? code : 'unknown error code'}`);
}

function issued(fields: Record<string, unknown>): Issued {
  const { access_token: access, refresh_token: refresh } = fields;
  if (typeof access !== 'string' || !isBearer(access)) {
    throw new Failure('IdpUnavailable', 'identity provider: access token cannot be sent');
  }
  return {
    accessToken: new Secret(access),
    refreshToken: typeof refresh === 'string' && refresh ? new Secret(refresh) : undefined,
  };
}

function object(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value && !Array.isArray(value) ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

function refused(status: number, headers: Headers): Failure {
  const delay = retryAfter(headers);
  const limited = status === 429 || (status === 503 && delay !== undefined);
  return new Failure(limited ? 'RateLimited' : 'IdpUnavailable', `identity provider: status ${status}`, delay);
}

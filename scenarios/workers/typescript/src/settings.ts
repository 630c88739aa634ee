/** The settings, read from a mapping, so that tests need not touch the process environment. */

import { Secret } from './secret.js';

/** A setting is missing or wrong. The value is not shown: it may be a secret. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError';
}

export type ClientAuth = 'client_secret_basic' | 'client_secret_post';

/** What the token source needs to know. Exactly one of `tokenUrl` and `issuer` is set. */
export interface OAuth {
  tokenUrl: URL | undefined;
  issuer: URL | undefined;
  clientId: string;
  clientSecret: Secret;
  clientAuth: ClientAuth;
  scopes: string;
  /** Which API tokens are for, where the identity provider asks for that (Auth0). */
  audience: string | undefined;
  /** Present means grant `refresh_token`, else `client_credentials`. */
  refreshTokenFile: string | undefined;
}

/** All settings of the worker; the README lists the variables. */
export interface Settings {
  temporal: {
    address: string;
    namespace: string;
    apiKey: Secret | undefined;
    /** Where that bearer lies instead; it is read again while the worker runs. */
    apiKeyFile: string | undefined;
    tls: boolean;
  };
  oauth: OAuth;
  apiUrl: URL;
  taskQueue: string;
  /** Milliseconds that one HTTP request may take; less than an activity's own timeout. */
  httpTimeout: number;
}

/** Reads the settings; an empty string is the same as none. Throws `SettingsError`. */
export function readSettings(environment: NodeJS.Dict<string>): Settings {
  const optional = (name: string): string | undefined => environment[name] || undefined;
  const required = (name: string): string => {
    const value = optional(name);
    if (value === undefined) throw new SettingsError(`${name} is not set`);
    return value;
  };

  const tokenUrl = optional('OAUTH_TOKEN_URL');
  const clientAuth = optional('OAUTH_CLIENT_AUTH') ?? 'client_secret_basic';
  if (clientAuth !== 'client_secret_basic' && clientAuth !== 'client_secret_post') {
    throw new SettingsError('OAUTH_CLIENT_AUTH is not client_secret_basic or client_secret_post');
  }
  const timeout = optional('HTTP_TIMEOUT_MS') ?? '5000';
  if (!/^[1-9]\d{0,8}$/.test(timeout)) {
    throw new SettingsError('HTTP_TIMEOUT_MS is not a whole number of milliseconds');
  }
  const address = required('TEMPORAL_ADDRESS');
  // A key that was read from a file often ends in a newline.
  const apiKey = optional('TEMPORAL_API_KEY')?.trim();
  const apiKeyFile = optional('TEMPORAL_API_KEY_FILE');
  const tls = optional('TEMPORAL_TLS') ?? String(Boolean(apiKey || apiKeyFile) && !isLoopback(hostOf(address)));
  if (tls !== 'true' && tls !== 'false') throw new SettingsError('TEMPORAL_TLS is not true or false');

  return {
    temporal: {
      address,
      namespace: optional('TEMPORAL_NAMESPACE') ?? 'default',
      apiKey: apiKey ? new Secret(apiKey) : undefined,
      apiKeyFile,
      tls: tls === 'true',
    },
    oauth: {
      tokenUrl: tokenUrl ? oauthUrl('OAUTH_TOKEN_URL', tokenUrl) : undefined,
      issuer: tokenUrl ? undefined : oauthUrl('OAUTH_ISSUER', required('OAUTH_ISSUER')),
      clientId: required('OAUTH_CLIENT_ID'),
      clientSecret: new Secret(required('OAUTH_CLIENT_SECRET')),
      clientAuth,
      scopes: (optional('OAUTH_SCOPES') ?? '')
        .split(/[\s,]+/)
        .filter(Boolean)
        .join(' '),
      audience: optional('OAUTH_AUDIENCE'),
      refreshTokenFile: optional('OAUTH_REFRESH_TOKEN_FILE'),
    },
    apiUrl: httpUrl('API_URL', required('API_URL')),
    taskQueue: required('TASK_QUEUE'),
    httpTimeout: Number(timeout),
  };
}

/** Whether `host` is this machine; only then may secrets travel without TLS. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '[::1]' || /^127(\.\d+){3}$/.test(host);
}

function httpUrl(name: string, value: string): URL {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  if (url?.protocol !== 'https:' && url?.protocol !== 'http:') throw new SettingsError(`${name} is not a URL`);
  return url;
}

/** RFC 6749 §3.2: the token endpoint is spoken to by TLS. */
function oauthUrl(name: string, value: string): URL {
  const url = httpUrl(name, value);
  if (url.protocol === 'http:' && !isLoopback(url.hostname)) throw new SettingsError(`${name} is not an https URL`);
  return url;
}

function hostOf(address: string): string {
  const colon = address.lastIndexOf(':');
  return colon < 0 ? address : address.slice(0, colon);
}

import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { Failure, Kind } from '../src/failure.js';
import { Secret } from '../src/secret.js';
import type { OAuth } from '../src/settings.js';
import { TokenEndpoint } from '../src/token-endpoint.js';
import { failureOf } from './expect.js';
import { type Asked, type Reply, type Server, serving } from './server.js';

const GRANTED: Reply = { body: { access_token: 't0k', token_type: 'bearer' } };

async function using<T>(
  url: string,
  use: (endpoint: TokenEndpoint) => Promise<T>,
  { timeout = 5_000, ...changes }: Partial<OAuth> & { timeout?: number } = {},
): Promise<T> {
  const settings: OAuth = {
    tokenUrl: new URL(`${url}/token`),
    issuer: undefined,
    clientId: 'client',
    clientSecret: new Secret('s3cret+/:%'),
    clientAuth: 'client_secret_basic',
    scopes: 'orders.read orders.write',
    audience: undefined,
    refreshTokenFile: undefined,
    ...changes,
  };
  const endpoint = new TokenEndpoint(settings, timeout);
  try {
    return await use(endpoint);
  } finally {
    await endpoint.close();
  }
}

const form = (asked: Asked | undefined): Record<string, string> => Object.fromEntries(new URLSearchParams(asked?.body));

/** What a client credentials grant makes of `reply`, sent once. */
async function issuedBy(reply: Reply): Promise<(string | undefined)[]> {
  return serving(reply, async (idp) => {
    try {
      const issued = await using(idp.url, (endpoint) => endpoint.clientCredentials());
      return [issued.accessToken.reveal(), issued.refreshToken?.reveal()];
    } finally {
      assert.equal(idp.requests.length, 1);
    }
  });
}

const refusedBy = (reply: Reply): Promise<Failure> => failureOf(issuedBy(reply));

test('a lifetime of any shape is no concern', async () => {
  for (const more of [{}, ...[null, '3600', -1, '1h', [1]].map((life) => ({ expires_in: life }))]) {
    const body = { access_token: 't0k', token_type: 'bearer', refresh_token: 'r', ...more };
    assert.deepEqual(await issuedBy({ body }), ['t0k', 'r'], JSON.stringify(more));
  }
  assert.deepEqual(await issuedBy({ body: { access_token: 't0k', scope: [1] } }), ['t0k', undefined]);
});

test('answers are permanent only if the protocol says so', async () => {
  const error = (status: number, code: unknown): Reply => ({
    status,
    body: { error: code, error_description: 'hush-hush' },
  });
  const html = '<html>hush-hush</html>';
  const cases: [Reply, Kind][] = [
    [error(400, 'invalid_grant'), 'TokenRevoked'],
    [error(401, 'invalid_client'), 'TokenRevoked'],
    [error(400, 'unauthorized_client'), 'TokenRevoked'],
    [error(400, 'access_denied'), 'TokenRevoked'],
    [error(401, 'disabled_client'), 'TokenRevoked'],
    // Auth0 and a dead refresh token.
    [error(403, 'invalid_grant'), 'TokenRevoked'],
    [error(400, 'invalid_scope'), 'InsufficientScope'],
    [error(400, 'slow_down'), 'RateLimited'],
    [error(400, 'temporarily_unavailable'), 'IdpUnavailable'],
    [error(400, 'hush-hush'), 'IdpUnavailable'],
    [error(400, ['invalid_grant']), 'IdpUnavailable'],
    // The right words from the wrong place are a fault.
    [error(503, 'invalid_grant'), 'IdpUnavailable'],
    [error(403, 'access_denied'), 'IdpUnavailable'],
    [error(200, 'hush-hush'), 'IdpUnavailable'],
    [{ status: 400, body: { access_token: 'hush-hush' } }, 'IdpUnavailable'],
    [{ status: 502, body: html }, 'IdpUnavailable'],
    [{ body: html }, 'IdpUnavailable'],
    [{ status: 401, body: html }, 'IdpUnavailable'],
    [{ status: 403, body: html }, 'IdpUnavailable'],
    [{ body: [] }, 'IdpUnavailable'],
    [{ body: {} }, 'IdpUnavailable'],
    [{ body: { access_token: '' } }, 'IdpUnavailable'],
    [{ body: { access_token: 7 } }, 'IdpUnavailable'],
    [{ body: { access_token: 'hush-hush\n' } }, 'IdpUnavailable'],
    [{ body: '{"access_token": "hush-hush' }, 'IdpUnavailable'],
    [{ status: 302, headers: { Location: '/login' } }, 'IdpUnavailable'],
    [{ status: 500 }, 'IdpUnavailable'],
    [{ status: 503 }, 'IdpUnavailable'],
    [{ status: 429 }, 'RateLimited'],
  ];
  for (const [reply, kind] of cases) assert.equal((await refusedBy(reply)).kind, kind, JSON.stringify(reply));
});

test('a wish to wait is passed on', async () => {
  for (const status of [429, 503]) {
    const failure = await refusedBy({ status, headers: { 'Retry-After': '2' } });
    assert.deepEqual([failure.kind, failure.retryAfter], ['RateLimited', 2_000]);
  }
});

test('nobody there is an outage', async () => {
  const url = await serving({}, async (gone) => gone.url);
  const failure = await failureOf(using(url, (endpoint) => endpoint.clientCredentials()));
  assert.equal(failure.message, 'identity provider: no answer (ECONNREFUSED)');
});

test('no answer in time is an outage', async () => {
  for (const answer of [() => undefined, { body: '{', dribble: true }]) {
    await serving(answer, async (idp) => {
      const failure = await failureOf(using(idp.url, (endpoint) => endpoint.clientCredentials(), { timeout: 50 }));
      assert.equal(failure.message, 'identity provider: no answer in time');
    });
  }
});

test('the client authenticates as configured', async () => {
  await serving(GRANTED, async (idp) => {
    for (const clientAuth of ['client_secret_basic', 'client_secret_post'] as const) {
      await using(idp.url, (endpoint) => endpoint.clientCredentials(), { clientAuth });
    }
    const [byHeader, byBody] = idp.requests;
    // Each half is form-encoded (RFC 6749 §2.3.1).
    assert.equal(byHeader?.headers.authorization, `Basic ${btoa('client:s3cret%2B%2F%3A%25')}`);
    const asked = { grant_type: 'client_credentials', scope: 'orders.read orders.write' };
    assert.deepEqual(form(byHeader), asked);
    assert.equal(byBody?.headers.authorization, undefined);
    assert.deepEqual(form(byBody), { ...asked, client_id: 'client', client_secret: 's3cret+/:%' });
  });
});

test('an audience is asked for', async () => {
  await serving(GRANTED, async (idp) => {
    await using(idp.url, (endpoint) => endpoint.clientCredentials(), { audience: 'https://api.example' });
    assert.equal(form(idp.requests[0])['audience'], 'https://api.example');
  });
});

test('a refresh presents the token and asks for no scope', async () => {
  const replies = [
    { access_token: 'a', refresh_token: 'new' },
    { access_token: 'b' },
    { access_token: 'c', refresh_token: 'new' },
  ];
  await serving(
    () => ({ body: replies.shift() }),
    async (idp) => {
      await using(idp.url, async (endpoint) => {
        assert.equal((await endpoint.refresh(new Secret('old+/='))).refreshToken?.reveal(), 'new');
        assert.equal((await endpoint.refresh(new Secret('new'))).refreshToken, undefined);
        // The same one again is no rotation.
        assert.equal((await endpoint.refresh(new Secret('new'))).refreshToken, undefined);
      });
      assert.deepEqual(form(idp.requests[0]), { grant_type: 'refresh_token', refresh_token: 'old+/=' });
    },
  );
});

test('the endpoint is found by discovery once', async () => {
  const discovery = ({ path }: Asked, { url }: Server): Reply =>
    path === '/token' ? GRANTED : { body: { issuer: url, token_endpoint: `${url}/token` } };
  await serving(discovery, async (idp) => {
    const found = { tokenUrl: undefined, issuer: new URL(`${idp.url}/`) };
    await using(
      idp.url,
      async (endpoint) => [await endpoint.clientCredentials(), await endpoint.clientCredentials()],
      found,
    );
    const paths = idp.requests.map((asked) => asked.path);
    assert.deepEqual(paths, ['/.well-known/openid-configuration', '/token', '/token']);
  });
});

test('a useless discovery document is an outage', async () => {
  const documents: [(server: Server) => Reply, string][] = [
    [
      ({ url }) => ({ body: { issuer: 'http://evil.example', token_endpoint: `${url}/token` } }),
      'discovery document cannot be used',
    ],
    [({ url }) => ({ body: { issuer: url } }), 'discovery document cannot be used'],
    // A token endpoint elsewhere must have TLS.
    [({ url }) => ({ body: { issuer: url, token_endpoint: 'http://evil.example/token' } }), 'request cannot be built'],
    [() => ({ body: '<html>' }), 'discovery document cannot be used'],
    [() => ({ status: 503 }), 'status 503'],
  ];
  for (const [document, text] of documents) {
    await serving(
      (_, server) => document(server),
      async (idp) => {
        const found = { tokenUrl: undefined, issuer: new URL(idp.url) };
        const failure = await failureOf(using(idp.url, (endpoint) => endpoint.clientCredentials(), found));
        assert.deepEqual([failure.kind, failure.message], ['IdpUnavailable', `identity provider: ${text}`]);
        assert.equal(idp.requests.length, 1);
      },
    );
  }
});

import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { Kind } from '../src/failure.js';
import { Orders } from '../src/orders.js';
import { Secret } from '../src/secret.js';
import { failureOf } from './expect.js';
import { type Reply, serving } from './server.js';

const CALL = { workflowId: 'wf-1', activityId: '2' };

/** Always the same token; remembers what was refused. */
function oneToken() {
  const refused: string[] = [];
  return {
    refused,
    get: async (): Promise<Secret> => new Secret('t0k'),
    invalidate: (token: Secret): void => void refused.push(token.reveal()),
  };
}

async function using<T>(
  url: string,
  use: (orders: Orders) => Promise<T>,
  timeout = 5_000,
  tokens = oneToken(),
): Promise<T> {
  const orders = new Orders(new URL(url), tokens, timeout);
  try {
    return await use(orders);
  } finally {
    await orders.close();
  }
}

test('every request names its workflow and carries the token', async () => {
  await serving({ body: true }, async (api) => {
    await using(`${api.url}/`, async (orders) => {
      assert.equal(await orders.fetch(CALL, 'a/b'), true);
      await orders.items(CALL, '7', 3);
      await orders.ship(CALL, '7');
    });
    assert.deepEqual(
      api.requests.map(({ method, path, headers }) => [method, path, headers['idempotency-key']]),
      [
        ['GET', '/orders/a%2Fb', undefined],
        ['GET', '/orders/7/items?page=3', undefined],
        ['POST', '/orders/7/ship', 'wf-1/2'],
      ],
    );
    for (const { headers } of api.requests) {
      assert.deepEqual([headers.authorization, headers['x-workflow-id']], ['Bearer t0k', 'wf-1']);
    }
  });
});

test('an empty answer is one', async () => {
  await serving({ status: 201 }, async (api) => {
    assert.equal(await using(api.url, (orders) => orders.ship(CALL, '7')), null);
  });
});

test('refusals have types and only a 401 drops the token', async () => {
  const challenge = (status: number, value: string): Reply => ({
    status,
    body: 't0k hush-hush',
    headers: { 'WWW-Authenticate': value },
  });
  const waits = (status: number): Reply => ({ status, headers: { 'Retry-After': '3' } });
  const cases: [Reply, Kind, number | undefined][] = [
    [challenge(401, 'Bearer error="invalid_token"'), 'TokenExpired', undefined],
    [{ status: 401 }, 'TokenExpired', undefined],
    [challenge(403, 'Bearer error="insufficient_scope"'), 'InsufficientScope', undefined],
    [challenge(403, 'Bearer'), 'Forbidden', undefined],
    [waits(403), 'RateLimited', 3_000],
    [waits(429), 'RateLimited', 3_000],
    [{ status: 429 }, 'RateLimited', undefined],
    [{ status: 500 }, 'ApiUnavailable', undefined],
    [waits(503), 'ApiUnavailable', 3_000],
    [{ status: 302, headers: { Location: '/login' } }, 'ApiUnavailable', undefined],
    [{ status: 409 }, 'ApiUnavailable', undefined],
    [{ status: 404 }, 'ApiRejected', undefined],
    [{ body: '<html>hush-hush</html>' }, 'ApiUnavailable', undefined],
  ];
  for (const [reply, kind, wait] of cases) {
    await serving(reply, async (api) => {
      const tokens = oneToken();
      const failure = await failureOf(using(api.url, (orders) => orders.ship(CALL, '7'), 5_000, tokens));
      assert.deepEqual([failure.kind, failure.retryAfter], [kind, wait], JSON.stringify(reply));
      assert.deepEqual(tokens.refused, kind === 'TokenExpired' ? ['t0k'] : []);
      assert.equal(api.requests.length, 1);
    });
  }
});

test('no answer in time is an outage', async () => {
  for (const answer of [() => undefined, { dribble: true }]) {
    await serving(answer, async (api) => {
      const failure = await failureOf(using(api.url, (orders) => orders.fetch(CALL, '7'), 50));
      assert.equal(failure.message, 'API: no answer in time');
    });
  }
});

test('a cancelled call ends at once, with the reason', async () => {
  const cancel = new AbortController();
  const answer = (): undefined => {
    cancel.abort(new Error('cancelled'));
  };
  await serving(answer, async (api) => {
    const call = { ...CALL, cancelled: cancel.signal };
    for (const sent of [1, 1]) {
      await assert.rejects(
        using(api.url, (orders) => orders.fetch(call, '7')),
        /^Error: cancelled$/,
      );
      assert.equal(api.requests.length, sent);
    }
  });
});

test('a workflow id that is no header is not shown', async () => {
  await serving({}, async (api) => {
    const call = { workflowId: 'wf\r\nX: hush', activityId: '2' };
    const failure = await failureOf(using(api.url, (orders) => orders.fetch(call, '7')));
    assert.equal(failure.message, 'API: request cannot be built');
    assert.equal(api.requests.length, 0);
  });
});

test('a workflow id of any letters goes as UTF-8', async () => {
  await serving({}, async (api) => {
    await using(api.url, (orders) => orders.fetch({ workflowId: 'bestellung-ä', activityId: '2' }, '7'));
    const sent = String(api.requests[0]?.headers['x-workflow-id']);
    assert.equal(Buffer.from(sent, 'latin1').toString(), 'bestellung-ä');
  });
});

test('proxies are bypassed as NO_PROXY says', async (context) => {
  const before = { ...process.env };
  context.after(() => (process.env = before));
  for (const name of ['http_proxy', 'https_proxy']) process.env[name] = 'http://127.0.0.1:1';
  await serving({ body: true }, async (api) => {
    process.env['no_proxy'] = '127.0.0.1,localhost';
    assert.equal(await using(api.url, (orders) => orders.fetch(CALL, '7')), true);
    process.env['no_proxy'] = '';
    await failureOf(using(api.url, (orders) => orders.fetch(CALL, '7')));
    assert.equal(api.requests.length, 1);
  });
});

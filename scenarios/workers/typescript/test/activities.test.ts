import assert from 'node:assert/strict';
import { afterEach, beforeEach, mock, test } from 'node:test';
import { inspect } from 'node:util';

import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';

import { activities } from '../src/activities.js';
import { Failure } from '../src/failure.js';
import type { Call } from '../src/orders.js';
import { typedFailures } from '../src/reporting.js';

let said: string[];

beforeEach(() => {
  said = [];
  mock.method(console, 'error', (text: string) => said.push(text));
});
afterEach(() => mock.restoreAll());

const environment = (info = {}): MockActivityEnvironment =>
  new MockActivityEnvironment(info, { interceptors: [typedFailures], logger: new DefaultLogger('ERROR') });

/** Orders whose pages are read by `items`. */
const { FetchOrder, ListItems } = ((): ReturnType<typeof activities> =>
  activities({
    fetch: (call, order) => api.fetch(call, order),
    items: (call, order, page) => api.items(call, order, page),
    ship: async () => null,
  }))();

const api = {
  read: [] as number[],
  fetch: async (_call: Call, _order: string): Promise<unknown> => null,
  async items(_call: Call, _order: string, page: number): Promise<unknown> {
    this.read.push(page);
    return null;
  },
};

test('each page is reported and a retry goes on after the last', async () => {
  const reported: unknown[] = [];
  const first = environment();
  first.on('heartbeat', (detail) => reported.push(detail));
  assert.equal(await first.run(ListItems, { order: '7', pages: 3 }), 3);
  assert.deepEqual(
    [api.read, reported],
    [
      [1, 2, 3],
      [1, 2, 3],
    ],
  );
  api.read = [];
  await environment({ heartbeatDetails: 2 }).run(ListItems, { order: '7', pages: 3 });
  assert.deepEqual(api.read, [3]);
});

test('a cancelled activity gives its signal to the call, and stays cancelled', async () => {
  const running = environment();
  mock.method(api, 'fetch', ({ cancelled }: Call) => {
    running.cancel('CANCELLED');
    return cancelled?.aborted ? Promise.reject(cancelled.reason) : null;
  });
  await assert.rejects(running.run(FetchOrder, { order: '7' }), CancelledFailure);
});

/** What is reported of `error`; neither it nor the log may show its text. */
async function reported(error: Error): Promise<ApplicationFailure> {
  mock.method(api, 'fetch', () => Promise.reject(error));
  try {
    await environment().run(FetchOrder, { order: '7' });
  } catch (failure) {
    assert(failure instanceof ApplicationFailure);
    assert.equal(failure.cause, undefined);
    assert.doesNotMatch(`${inspect(failure, { depth: null })} ${said.join()}`, /hush/);
    return failure;
  }
  assert.fail('no failure');
}

test('a permanent failure is typed and not retried', async () => {
  const failure = await reported(new Failure('TokenRevoked', 'identity provider: invalid_grant'));
  assert.deepEqual([failure.type, failure.nonRetryable], ['TokenRevoked', true]);
  assert.equal(failure.message, 'identity provider: invalid_grant');
});

test('a transient failure is retried when the other side wishes', async () => {
  const failure = await reported(new Failure('RateLimited', 'API: status 429', 3_000));
  assert.deepEqual([failure.type, failure.nonRetryable, failure.nextRetryDelay], ['RateLimited', false, 3_000]);
});

test('a mistake is told without its text', async () => {
  const failure = await reported(new RangeError('hush-hush\n    hush', { cause: new Error('hush') }));
  assert.deepEqual([failure.type, failure.message, failure.nonRetryable], ['Unexpected', 'worker: RangeError', false]);
  assert.match(said.join(), /ERROR RangeError:\n {4}at /);
});

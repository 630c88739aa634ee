import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Failure } from '../src/failure.js';
import { Secret } from '../src/secret.js';
import { TokenSource } from '../src/token-source.js';
import { failureOf } from './expect.js';

/** Counts grants; each waits for `go`, and the first fails if told so. */
function counted({ failFirst = false, wait = false } = {}) {
  const counter = { count: 0, go: (): void => undefined };
  const gate = wait ? new Promise<void>((open) => (counter.go = open)) : Promise.resolve();
  const grant = async (): Promise<Secret> => {
    const n = ++counter.count;
    await gate;
    if (failFirst && n === 1) throw new Failure('IdpUnavailable', 'identity provider: status 503');
    return new Secret(`token-${n}`);
  };
  return { counter, source: new TokenSource(grant) };
}

const got = async (source: TokenSource): Promise<string> => (await source.get()).reveal();

test('many callers share one grant', async () => {
  const { counter, source } = counted({ wait: true });
  const waiting = Array.from({ length: 64 }, () => got(source));
  counter.go();
  assert.deepEqual(new Set(await Promise.all(waiting)), new Set(['token-1']));
  assert.equal(await got(source), 'token-1');
  assert.equal(counter.count, 1);
});

test('a failed grant fails its waiters and nobody else', async () => {
  const { counter, source } = counted({ failFirst: true });
  await Promise.all([failureOf(source.get()), failureOf(source.get())]);
  assert.equal(await got(source), 'token-2');
  assert.equal(counter.count, 2);
});

test('only the refused token is dropped', async () => {
  const { counter, source } = counted();
  const old = await source.get();
  source.invalidate(old);
  assert.equal(await got(source), 'token-2');
  source.invalidate(old);
  assert.equal(await got(source), 'token-2');
  assert.equal(counter.count, 2);
});

test('a cancelled caller does not cancel the grant', async () => {
  const { counter, source } = counted({ wait: true });
  const cancel = new AbortController();
  const caller = source.get(cancel.signal);
  cancel.abort(new Error('cancelled'));
  await assert.rejects(caller, /^Error: cancelled$/);
  await assert.rejects(source.get(cancel.signal), /^Error: cancelled$/);
  counter.go();
  await source.settle();
  assert.equal(await got(source), 'token-1');
  assert.equal(counter.count, 1);
});

test('a failure that nobody awaits is no complaint', async () => {
  const { counter, source } = counted({ failFirst: true, wait: true });
  const cancel = new AbortController();
  const caller = source.get(cancel.signal);
  cancel.abort(new Error('cancelled'));
  await assert.rejects(caller);
  counter.go();
  // An unhandled rejection would fail this test.
  await source.settle();
  await new Promise(setImmediate);
});

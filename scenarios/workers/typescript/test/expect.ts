/** Assertions that several tests share. */

import assert from 'node:assert/strict';
import { inspect } from 'node:util';

import { Failure } from '../src/failure.js';

/** The failure that `promise` rejects with. It must show neither a secret nor where the request went. */
export async function failureOf(promise: Promise<unknown>): Promise<Failure> {
  try {
    await promise;
  } catch (error) {
    assert(error instanceof Failure, inspect(error));
    assert.doesNotMatch(inspect(error, { depth: null }), /t0k|hush|http:|127\.0\.0\.1/);
    return error;
  }
  assert.fail('no failure');
}

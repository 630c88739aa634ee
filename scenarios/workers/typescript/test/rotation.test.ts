import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';

import { Failure } from '../src/failure.js';
import { refresh } from '../src/grant.js';
import { Secret } from '../src/secret.js';
import { RefreshTokenFile } from '../src/token-file.js';
import { failureOf } from './expect.js';

let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sync-orders-'));
  path = join(folder, 'refresh-token');
  writeFileSync(path, 'r\n');
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Rotates: presented `r` gives `r+`, and so on; remembers what was presented. */
function rotating(meanwhile: (nth: number) => void = () => undefined) {
  const presented: string[] = [];
  return {
    presented,
    async refresh(token: Secret) {
      presented.push(token.reveal());
      await new Promise(setImmediate);
      const nth = presented.length;
      meanwhile(nth);
      return { accessToken: new Secret(`access-${nth}`), refreshToken: new Secret(`${token.reveal()}+`) };
    },
  };
}

const held = (): string => readFileSync(path, 'utf8');

test('a rotated token is saved before the access token is out', async () => {
  const idp = rotating();
  const grant = refresh(idp, new RefreshTokenFile(path));
  assert.equal((await grant()).reveal(), 'access-1');
  assert.equal(held(), 'r+');
  assert.equal(statSync(path).mode & 0o777, 0o600);
  assert(!existsSync(`${path}.new`));
  await grant();
  assert.deepEqual(idp.presented, ['r', 'r+']);
});

test('a lost reply makes the retry present the same token', async () => {
  const idp = rotating((nth) => {
    if (nth === 1) throw new Failure('IdpUnavailable', 'identity provider: no answer');
  });
  const grant = refresh(idp, new RefreshTokenFile(path));
  await failureOf(grant());
  await grant();
  assert.deepEqual(idp.presented, ['r', 'r']);
});

test('a rotation that cannot be saved is neither used nor forgotten', async () => {
  const idp = rotating((nth) => {
    if (nth === 1) mkdirSync(`${path}.new`);
  });
  const grant = refresh(idp, new RefreshTokenFile(path));
  assert.equal((await failureOf(grant())).kind, 'TokenStoreUnavailable');
  rmdirSync(`${path}.new`);
  await grant();
  assert.deepEqual(idp.presented, ['r', 'r+']);
  assert.equal(held(), 'r++');
});

test('two processes redeem each token once', async () => {
  const idp = rotating();
  // Another open file takes the lock as another process does.
  const both = [1, 2].map(() => refresh(idp, new RefreshTokenFile(path)));
  await Promise.all(both.map((grant) => grant()));
  assert.deepEqual(idp.presented, ['r', 'r+']);
});

test('a lock that never comes free is a failure', async () => {
  await new RefreshTokenFile(path).locked(async () => {
    const waiting = new RefreshTokenFile(path, 0).locked(() => assert.fail('locked twice'));
    assert.equal((await failureOf(waiting)).kind, 'TokenStoreUnavailable');
  });
});

test('a shorter token leaves nothing of a torn write', async () => {
  writeFileSync(`${path}.new`, 'torn-and-long', { mode: 0o644 });
  const file = new RefreshTokenFile(path);
  await file.write(new Secret('new'));
  assert.equal((await file.read()).reveal(), 'new');
  assert.equal(statSync(path).mode & 0o777, 0o600);
});

test('an empty or missing file is a failure', async () => {
  writeFileSync(path, ' \n');
  for (const bad of [path, join(folder, 'missing')]) {
    assert.equal((await failureOf(new RefreshTokenFile(bad).read())).kind, 'TokenStoreUnavailable', bad);
  }
});

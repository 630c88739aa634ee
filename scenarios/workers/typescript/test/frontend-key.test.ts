import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, mock, test } from 'node:test';

import { followKey, readKey } from '../src/frontend-key.js';
import { Secret } from '../src/secret.js';

let folder: string;
let file: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sync-orders-'));
  file = join(folder, 'key');
  mock.method(console, 'error', () => undefined);
});
afterEach(() => {
  mock.restoreAll();
  rmSync(folder, { recursive: true });
});

test('a newline at the end is no part of it', async () => {
  for (const text of ['key', 'key\n', ' key\r\n']) {
    writeFileSync(file, text);
    assert.equal((await readKey(file))?.reveal(), 'key');
  }
});

test('what no header can carry is no bearer', async () => {
  for (const text of ['', '\n', 'two\nlines', 'two words', 'käy']) {
    writeFileSync(file, text);
    assert.equal(await readKey(file), undefined, text);
  }
});

test('a file that is not there is an error', async () => {
  await assert.rejects(readKey(file));
});

test('each new bearer is given to the connection once, and what cannot be used is not', async () => {
  const given: string[] = [];
  const stop = new AbortController();
  const seen = ['a', 'a', undefined, new Error('gone'), 'a', 'b'];
  const read = async (): Promise<Secret | undefined> => {
    const next = seen.shift();
    if (seen.length === 0) stop.abort();
    if (next instanceof Error) throw next;
    return next === undefined ? undefined : new Secret(next);
  };
  const connection = { setApiKey: async (key: string): Promise<void> => void given.push(key) };
  await followKey(read, connection, stop.signal, 0);
  assert.deepEqual(given, ['a', 'b']);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { LONGEST, retryAfter } from '../src/retry-after.js';

const NOW = 'Sun, 06 Nov 1994 08:49:37 GMT';

test('every form is read', () => {
  const cases: [string, number | undefined][] = [
    ['3', 3_000],
    [' 7 ', 7_000],
    ['1.5', 1_500],
    ['0.0001', 1],
    ['Sun, 06 Nov 1994 08:49:40 GMT', 3_000],
    ['Sunday, 06-Nov-94 08:49:41 GMT', 4_000],
    ['Sun Nov  6 08:49:42 1994', 5_000],
    ['0', undefined],
    ['-5', undefined],
    ['Sun, 06 Nov 1994 08:49:36 GMT', undefined],
    [NOW, undefined],
    ['soon', undefined],
    ['Sunday', undefined],
    ['', undefined],
    ['NaN', undefined],
    ['1000000', LONGEST],
    ['9'.repeat(400), LONGEST],
    ['Sat, 06 Nov 2094 08:49:37 GMT', LONGEST],
  ];
  for (const [value, expected] of cases) {
    assert.equal(retryAfter(new Headers({ Date: NOW, 'Retry-After': value })), expected, value);
  }
});

test('without a Date header the own clock decides', () => {
  assert.equal(retryAfter(new Headers({ 'Retry-After': 'Fri, 01 Jan 2100 00:00:00 GMT' })), LONGEST);
  assert.equal(retryAfter(new Headers({ 'Retry-After': NOW })), undefined);
});

test('no header is no wish', () => {
  assert.equal(retryAfter(new Headers()), undefined);
});

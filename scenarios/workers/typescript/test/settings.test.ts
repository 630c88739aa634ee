import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';

import { readSettings, type Settings, SettingsError } from '../src/settings.js';

const GOOD = {
  TEMPORAL_ADDRESS: '127.0.0.1:7233',
  OAUTH_TOKEN_URL: 'http://127.0.0.1:1/token',
  OAUTH_CLIENT_ID: 'id',
  OAUTH_CLIENT_SECRET: 's3cr3t-value',
  OAUTH_SCOPES: 'orders.read,orders.write',
  API_URL: 'http://127.0.0.1:2',
  TASK_QUEUE: 'orders',
};

const read = (changes: Record<string, string> = {}): Settings => readSettings({ ...GOOD, ...changes });

function mistake(changes: Record<string, string>): string {
  try {
    read(changes);
  } catch (error) {
    assert(error instanceof SettingsError);
    assert.doesNotMatch(inspect(error), /s3cr3t/);
    return error.message;
  }
  assert.fail('no mistake');
}

test('all settings are read', () => {
  const settings = read();
  assert.equal(settings.oauth.scopes, 'orders.read orders.write');
  assert.equal(settings.temporal.namespace, 'default');
  assert.equal(settings.httpTimeout, 5_000);
  assert.equal(settings.oauth.refreshTokenFile, undefined);
  assert.equal(settings.oauth.audience, undefined);
  assert.equal(read({ OAUTH_AUDIENCE: 'api' }).oauth.audience, 'api');
});

test('an empty value is absent', () => {
  assert.equal(read({ OAUTH_REFRESH_TOKEN_FILE: '' }).oauth.refreshTokenFile, undefined);
  assert.equal(mistake({ TASK_QUEUE: '' }), 'TASK_QUEUE is not set');
});

test('an issuer will do', () => {
  const { oauth } = read({ OAUTH_TOKEN_URL: '', OAUTH_ISSUER: 'http://127.0.0.1:3' });
  assert.deepEqual([oauth.tokenUrl, oauth.issuer?.href], [undefined, 'http://127.0.0.1:3/']);
  assert.equal(mistake({ OAUTH_TOKEN_URL: '' }), 'OAUTH_ISSUER is not set');
});

test('a key is trimmed and turns TLS on only away from home', () => {
  const here = read({ TEMPORAL_API_KEY: 'key\n' }).temporal;
  assert.equal(here.apiKey?.reveal(), 'key');
  assert.equal(here.tls, false);
  const away = { TEMPORAL_API_KEY: 'key', TEMPORAL_ADDRESS: 'temporal.example:7233' };
  assert.equal(read(away).temporal.tls, true);
  assert.equal(read({ ...away, TEMPORAL_TLS: 'false' }).temporal.tls, false);
  assert.equal(read({ ...away, TEMPORAL_API_KEY: '', TEMPORAL_API_KEY_FILE: '/run/key' }).temporal.tls, true);
  assert.equal(read({ ...away, TEMPORAL_API_KEY: '' }).temporal.tls, false);
});

test('secrets travel without TLS on this machine only', () => {
  assert.equal(mistake({ OAUTH_TOKEN_URL: 'http://idp.example/token' }), 'OAUTH_TOKEN_URL is not an https URL');
  for (const host of ['localhost:1', '[::1]:1', '127.0.0.1']) read({ OAUTH_TOKEN_URL: `http://${host}/token` });
  read({ OAUTH_TOKEN_URL: 'https://idp.example/token' });
});

test('wrong values are named but not shown', () => {
  const wrong = {
    API_URL: 'no url s3cr3t-value',
    OAUTH_TOKEN_URL: 'http://127.0.0.1:s3cr3t-value',
    OAUTH_CLIENT_AUTH: 's3cr3t-value',
    HTTP_TIMEOUT_MS: '-5',
    TEMPORAL_TLS: 'yes',
  };
  for (const [name, value] of Object.entries(wrong))
    assert.match(mistake({ [name]: value }), new RegExp(`^${name} is not `));
});

test('no secret is shown', () => {
  const settings = read({ TEMPORAL_API_KEY: 'frontend-key' });
  for (const shown of [
    inspect(settings, { depth: null, showHidden: true }),
    JSON.stringify(settings),
    `${settings.temporal.apiKey}`,
  ]) {
    assert.doesNotMatch(shown, /s3cr3t-value|frontend-key/);
  }
});

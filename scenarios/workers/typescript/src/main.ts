/** The worker as a program; all its settings are environment variables. */

import * as log from './log.js';
import { readSettings, SettingsError } from './settings.js';
import { run } from './worker.js';

try {
  if (!log.setLevel(process.env['LOG_LEVEL'] || 'INFO')) throw new SettingsError('LOG_LEVEL is not a level');
  await run(readSettings(process.env));
} catch (error) {
  const text = error instanceof Error ? error.message : 'unknown error';
  console.error(error instanceof SettingsError ? text : `the worker failed: ${text}`);
  // A supervisor must see that the worker has ended, and restart it.
  process.exitCode = 1;
}

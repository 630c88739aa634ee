/** The bearer for Temporal's frontend, from a file that somebody else renews: a sidecar, or a volume of Kubernetes. */

import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

import type { NativeConnection } from '@temporalio/worker';

import * as log from './log.js';
import { isBearer, Secret } from './secret.js';

/**
 * Milliseconds. The file is replaced by renaming, often behind a symbolic link that is renamed itself, so watching it
 * is more fragile than reading it; the frontend refuses for 60 s before the SDK gives up.
 */
const EVERY = 1_000;

/** What lies there, without the newline that files end in; undefined if no header can carry it. */
export async function readKey(file: string): Promise<Secret | undefined> {
  const key = (await readFile(file, 'utf8')).trim();
  return isBearer(key) ? new Secret(key) : undefined;
}

/**
 * Reads again and again, and gives every new bearer to the connection, until `stopped`. What cannot be used leaves the
 * one of before.
 */
export async function followKey(
  read: () => Promise<Secret | undefined>,
  connection: Pick<NativeConnection, 'setApiKey'>,
  stopped: AbortSignal,
  every = EVERY,
): Promise<void> {
  let held: Secret | undefined;
  while (!stopped.aborted) {
    try {
      const key = await read();
      if (!key) {
        log.warn("the frontend's bearer cannot be used; the one of before stays");
      } else if (!key.equals(held)) {
        await connection.setApiKey(key.reveal());
        held = key;
      }
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : 'no code';
      log.warn(`the frontend's bearer cannot be read (${code}); the one of before stays`);
    }
    await sleep(every, undefined, { signal: stopped }).catch(() => undefined);
  }
}

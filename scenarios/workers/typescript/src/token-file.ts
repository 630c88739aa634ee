/** The refresh token's file, shared by all worker processes of this identity. */

import { open, readFile, rename, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { tryLock } from 'fs-native-extensions';

import { Failure } from './failure.js';
import { Secret } from './secret.js';

/** Milliseconds to wait for another process that redeems the token; its own HTTP timeout is shorter. */
const PATIENCE = 15_000;
const POLL = 5;

/**
 * A file that holds one refresh token, mode 0600; its lock is the file of the same name with `.lock` added.
 *
 * Whoever redeems it holds the lock from before reading until after writing: a lock that is taken after the token was
 * read protects nothing. It is a lock of the kernel, which frees it when its holder dies; a lock that is a mere file,
 * or one that times out, is either left behind by a crash or lost by a process that was frozen for a while.
 */
export class RefreshTokenFile {
  constructor(
    readonly path: string,
    readonly patience = PATIENCE,
  ) {}

  /** Waits for the lock and holds it while `work` runs. */
  async locked<T>(work: () => Promise<T>): Promise<T> {
    const lock = await orFailure("cannot open the refresh token's lock", () => openPrivate(`${this.path}.lock`, 'a'));
    try {
      await this.#acquire(lock);
      return await work();
    } finally {
      await lock.close();
    }
  }

  async #acquire(lock: FileHandle): Promise<void> {
    const deadline = performance.now() + this.patience;
    // Trying again instead of blocking a thread of the pool, of which all file operations have four.
    while (!(await orFailure('cannot lock the refresh token', async () => tryLock(lock.fd)))) {
      if (performance.now() > deadline) throw failure('another process keeps the refresh token');
      await sleep(POLL);
    }
  }

  /** The newest refresh token. To be called under the lock. */
  async read(): Promise<Secret> {
    const text = await orFailure('cannot read the refresh token', () => readFile(this.path, 'utf8'));
    if (!text.trim()) throw failure("the refresh token's file is empty");
    return new Secret(text.trim());
  }

  /**
   * Replaces the refresh token so that a crash at any moment leaves the old one or the new one, whole. To be called
   * under the lock.
   */
  async write(token: Secret): Promise<void> {
    await orFailure('cannot save the rotated refresh token', async () => {
      const aside = await openPrivate(`${this.path}.new`, 'w');
      try {
        await aside.writeFile(token.reveal());
        await aside.sync();
      } finally {
        await aside.close();
      }
      await rename(`${this.path}.new`, this.path);
      // The new name, too, is only in memory until its folder is written.
      const folder = await open(dirname(this.path));
      try {
        await folder.sync();
      } finally {
        await folder.close();
      }
    });
  }
}

async function openPrivate(path: string, flags: string): Promise<FileHandle> {
  const file = await open(path, flags, 0o600);
  // The mode above counts only for a new file.
  await file.chmod(0o600);
  return file;
}

async function orFailure<T>(text: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch {
    throw failure(text);
  }
}

function failure(text: string): Failure {
  return new Failure('TokenStoreUnavailable', `worker: ${text}`);
}

/** Tells Temporal what failed, for all activities at once, so that none can forget it. */

import { ApplicationFailure, TemporalFailure } from '@temporalio/common';
import type { ActivityInterceptorsFactory } from '@temporalio/worker';

import { Failure, PERMANENT } from './failure.js';
import * as log from './log.js';

/**
 * Turns every failure into a typed application failure without a cause.
 *
 * Left alone, the SDK makes a retryable failure of any error, and stores its text and the text of every error that led
 * to it in the workflow's history. Texts of HTTP libraries hold URLs and headers.
 */
export const typedFailures: ActivityInterceptorsFactory = () => ({
  inbound: {
    async execute(input, next) {
      try {
        return await next(input);
      } catch (error) {
        // Cancellation is one of the SDK's own.
        if (error instanceof TemporalFailure) throw error;
        throw applicationFailure(error instanceof Failure ? error : unexpected(error));
      }
    },
  },
});

/** Permanent failures are not retried, the rest is, at the time that the other side asked for. */
function applicationFailure({ kind, message, retryAfter }: Failure): ApplicationFailure {
  log.warn(`${kind}: ${message}`);
  return ApplicationFailure.create({
    message,
    type: kind,
    nonRetryable: PERMANENT.includes(kind),
    ...(retryAfter !== undefined && { nextRetryDelay: retryAfter }),
  });
}

/** A mistake in this worker, told without its text; the log has the places. */
function unexpected(error: unknown): Failure {
  const name = error instanceof Error ? error.constructor.name : typeof error;
  const places = error instanceof Error ? error.stack?.match(/^ {4}at .*$/gm)?.slice(0, 3) : undefined;
  log.error([`${name}:`, ...(places ?? [])].join('\n'));
  return new Failure('Unexpected', `worker: ${name}`);
}

/** The workflow: it sees orders and typed failures, never a token, a clock or the environment. */

import { proxyActivities, type RetryPolicy } from '@temporalio/workflow';

import type { Activities } from './activities.js';
import { PERMANENT } from './failure.js';

/** The retry policy of all activities. It is input, not environment: a workflow must be deterministic. */
export interface Retry {
  /** Milliseconds before the first retry (1000); doubles with each. */
  initial_ms?: number;
  /** The longest wait, in milliseconds (60000). */
  max_ms?: number;
  /** How many attempts; 0, as when absent, is no limit, so that no outage, however long, ends a workflow. */
  attempts?: number;
}

/** What the workflow is started with. */
export interface SyncInput {
  order: string;
  /** How many pages of items to read; absent means none. */
  pages?: number | null;
  retry?: Retry;
}

/** Reads an order, reads its items, ships it. The result is what the API said to the shipment. */
export async function SyncOrders({ order, pages, retry }: SyncInput): Promise<unknown> {
  const policy = retryPolicy(retry);
  const { FetchOrder, ShipOrder } = proxyActivities<Activities>({
    // Longer than the worker's HTTP timeout, so that the activity says what happened and not the server.
    startToCloseTimeout: '10 s',
    retry: policy,
  });
  const { ListItems } = proxyActivities<Activities>({
    startToCloseTimeout: '10 min',
    // A dead worker is noticed by its missing heartbeats, long before the work's own limit.
    heartbeatTimeout: '10 s',
    retry: policy,
  });

  await FetchOrder({ order });
  if (pages != null) await ListItems({ order, pages });
  return ShipOrder({ order });
}

function retryPolicy({ initial_ms = 1_000, max_ms = 60_000, attempts = 0 }: Retry = {}): RetryPolicy {
  return {
    initialInterval: initial_ms,
    maximumInterval: Math.max(max_ms, initial_ms),
    // The SDK spells the server's 0, no limit, as absence.
    ...(attempts > 0 && { maximumAttempts: attempts }),
    nonRetryableErrorTypes: [...PERMANENT],
  };
}

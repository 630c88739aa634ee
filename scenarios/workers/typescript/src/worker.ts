/** Puts the parts together, polls, and stops when asked. */

import { fileURLToPath } from 'node:url';

import { DefaultLogger, makeTelemetryFilterString, NativeConnection, Runtime, Worker } from '@temporalio/worker';

import { activities } from './activities.js';
import { followKey, readKey } from './frontend-key.js';
import { clientCredentials, refresh } from './grant.js';
import { Orders } from './orders.js';
import { typedFailures } from './reporting.js';
import type { Settings } from './settings.js';
import { TokenEndpoint } from './token-endpoint.js';
import { RefreshTokenFile } from './token-file.js';
import { TokenSource } from './token-source.js';

/** Made by `bundle.ts`: making it at each start would take seconds. */
export const WORKFLOW_BUNDLE = fileURLToPath(new URL('../workflow-bundle.js', import.meta.url));

/** Runs the worker until SIGTERM or SIGINT; then running activities and grants finish. Rejects with what ended it. */
export async function run(settings: Settings): Promise<void> {
  Runtime.install({
    // Errors only: at lower levels the SDK tells the failures that `reporting.ts` has already told.
    logger: new DefaultLogger('ERROR'),
    telemetryOptions: { logging: { filter: makeTelemetryFilterString({ core: 'ERROR', other: 'ERROR' }) } },
    // These heartbeats to the server are for its user interface only; nothing here needs the extra calls.
    workerHeartbeatInterval: 0,
    shutdownSignals: ['SIGINT', 'SIGTERM'],
  });

  const { oauth, temporal, httpTimeout } = settings;
  const endpoint = new TokenEndpoint(oauth, httpTimeout);
  const tokens = new TokenSource(
    oauth.refreshTokenFile
      ? refresh(endpoint, new RefreshTokenFile(oauth.refreshTokenFile))
      : clientCredentials(endpoint),
  );
  const orders = new Orders(settings.apiUrl, tokens, httpTimeout);
  const stopped = new AbortController();
  let connection: NativeConnection | undefined;
  try {
    connection = await connect(temporal);
    const { apiKeyFile } = temporal;
    if (apiKeyFile) void followKey(() => readKey(apiKeyFile), connection, stopped.signal);
    const worker = await Worker.create({
      connection,
      namespace: temporal.namespace,
      taskQueue: settings.taskQueue,
      workflowBundle: { codePath: WORKFLOW_BUNDLE },
      activities: activities(orders),
      interceptors: { activity: [typedFailures] },
      // Pinned: left open, the namespace may turn on autoscaling.
      workflowTaskPollerBehavior: { type: 'simple-maximum', maximum: 2 },
      activityTaskPollerBehavior: { type: 'simple-maximum', maximum: 2 },
      // How much progress a killed worker may lose; the default is most of the heartbeat timeout.
      maxHeartbeatThrottleInterval: '200 ms',
      shutdownGraceTime: '5 s',
    });
    await worker.run();
  } finally {
    stopped.abort();
    await tokens.settle();
    await Promise.all([orders.close(), endpoint.close(), connection?.close()]);
  }
}

async function connect(temporal: Settings['temporal']): Promise<NativeConnection> {
  const key = temporal.apiKeyFile ? await readKey(temporal.apiKeyFile) : temporal.apiKey;
  return NativeConnection.connect({
    address: temporal.address,
    // With a key the SDK would take TLS for granted.
    tls: temporal.tls,
    ...(key && { apiKey: key.reveal() }),
  });
}

/** A step of the build: what runs in the workflow sandbox, in one file. */

import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';

import { WORKFLOW_BUNDLE } from './worker.js';

const workflowsPath = fileURLToPath(new URL('./workflow.js', import.meta.url));
const { code } = await bundleWorkflowCode({ workflowsPath, logger: new DefaultLogger('WARN') });
await writeFile(WORKFLOW_BUNDLE, code);

#!/usr/bin/env node
/** The `firn` command on whatever Node is there: goes on with the one that comes with Firn. */
import { fileURLToPath } from 'node:url';
import { runOnBundledNode } from '../scripts/node-path.mjs';

const command = fileURLToPath(new URL('firn.ts', import.meta.url));
runOnBundledNode([command, ...process.argv.slice(2)]);

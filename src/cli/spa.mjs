#!/usr/bin/env node
/**
 * The `spa` command. In a checkout it compiles src/ to dist/ first if that is missing or older; in an installed package dist/ is there.
 */
import { ensureBuilt } from './build.mjs';

await ensureBuilt();
const { main } = await import('../../dist/cli/main.js');
await main(process.argv.slice(2));

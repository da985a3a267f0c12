#!/usr/bin/env node
/**
 * The `spa` command. In a checkout it compiles src/ to dist/ first if that is missing or older; in an installed package dist/ is there.
 */
import { ensureBuilt } from './build.mjs';

await ensureBuilt();
const { main } = await import(new URL('../../dist/cli/main.js', import.meta.url).href);
await main(process.argv.slice(2));

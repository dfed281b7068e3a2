// Node's own WebSocket client (undici). Node 20 wants --experimental-websocket for it.
import { readFileSync } from 'node:fs';
import { runInThisContext } from 'node:vm';
import { listen, tell } from './control.mjs';

runInThisContext(readFileSync(new URL('../browser.js', import.meta.url), 'utf8'));
tell({ version: `${process.versions.node} (undici ${process.versions.undici})` });
listen(async (command) => tell(await globalThis.interop(command)));

import { createRequire } from 'node:module';
import { run } from './scenario.mjs';

const signalR = createRequire(new URL('../../samples/SignalRChat/package.json', import.meta.url))('@microsoft/signalr');

console.log(JSON.stringify(await run(signalR, process.argv[2], console.error)));
console.error('done');

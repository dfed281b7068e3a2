import * as signalR from '@microsoft/signalr';
import { run } from './scenario.mjs';

console.log(JSON.stringify(await run(signalR, process.argv[2], console.error)));
console.error('done');

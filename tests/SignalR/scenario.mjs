// What an application does with SignalR's own client, the same in Node and in a browser. Returns what it saw, and tells each step before it.
export async function run(signalR, url, tell = () => {}) {
  const seen = {};
  const connection = new signalR.HubConnectionBuilder()
    .withUrl(url, { transport: signalR.HttpTransportType.WebSockets })
    .withAutomaticReconnect([0, 100, 500])
    .configureLogging(signalR.LogLevel.None)
    .build();
  tell('start');
  await connection.start();

  tell('echo');
  seen.echo = await connection.invoke('Echo', 'héllo');

  tell('called');
  const called = new Promise((resolve) => connection.on('Called', resolve));
  await connection.send('CallMe', 7);
  seen.called = await called;

  tell('streamed');
  seen.streamed = await new Promise((resolve, reject) => {
    let sum = 0;
    connection.stream('Count', 1000).subscribe({ next: (n) => { sum += n; }, complete: () => resolve(sum), error: reject });
  });

  tell('uploaded');
  const numbers = new signalR.Subject();
  const total = connection.invoke('Sum', numbers);
  for (let n = 1; n <= 1000; n++) numbers.next(n);
  numbers.complete();
  seen.uploaded = await total;

  tell('large');
  const large = 'x'.repeat(1 << 20);
  seen.large = (await connection.invoke('Echo', large)) === large;

  tell('reconnected');
  const before = connection.connectionId;
  const back = new Promise((resolve, reject) => { connection.onreconnected(resolve); connection.onclose(reject); });
  await connection.send('Drop');
  await back;
  seen.reconnected = connection.connectionId !== before && (await connection.invoke('Echo', 'again')) === 'again';

  tell('stop');
  await connection.stop();
  return seen;
}

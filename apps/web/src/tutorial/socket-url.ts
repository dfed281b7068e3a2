/** The URL of one of this server's WebSocket endpoints: same host and port as the page, ws for http, wss for https. */
export function socketUrl(path: string, query: Record<string, string>): string {
  const scheme = location.protocol === 'https:' ? 'wss:' : 'ws:';
  return `${scheme}//${location.host}${path}?${new URLSearchParams(query)}`;
}

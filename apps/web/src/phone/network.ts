/** Whether two addresses, as a server sees them, are of one network: equal, or both private in the same /24, or in the same /64 of IPv6. */
export function isSameNetwork(a: string, b: string): boolean {
  if (a === '' || b === '') return false;
  if (a === b) return true;
  const [fourA, fourB] = [ipv4(a), ipv4(b)];
  if (fourA && fourB) return isPrivate(fourA) && isPrivate(fourB) && fourA.slice(0, 3).join() === fourB.slice(0, 3).join();
  const [sixA, sixB] = [ipv6(a), ipv6(b)];
  return sixA !== null && sixB !== null && sixA.slice(0, 4).join() === sixB.slice(0, 4).join();
}

function ipv4(address: string): number[] | null {
  const parts = address.split('.').map(Number);
  return parts.length === 4 && parts.every((part) => Number.isInteger(part) && part >= 0 && part < 256) ? parts : null;
}

// 10/8, 172.16/12, 192.168/16 (RFC 1918), 169.254/16 (link-local), 127/8.
function isPrivate([first = 0, second = 0]: number[]): boolean {
  return first === 10 || first === 127 || (first === 172 && second >= 16 && second < 32) || (first === 192 && second === 168) || (first === 169 && second === 254);
}

function ipv6(address: string): number[] | null {
  const [plain = ''] = address.split('%');
  const halves = plain.split('::');
  if (!plain.includes(':') || halves.length > 2) return null;
  const [head = [], tail = []] = halves.map((half) => (half === '' ? [] : half.split(':').map((group) => (/^[0-9a-f]{1,4}$/i.test(group) ? parseInt(group, 16) : NaN))));
  const missing = 8 - head.length - tail.length;
  if (halves.length === 1 ? missing !== 0 : missing < 1) return null;
  const groups = [...head, ...Array.from({ length: missing }, () => 0), ...tail];
  return groups.some(Number.isNaN) ? null : groups;
}

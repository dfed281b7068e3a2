/** Bytes in the unit that leaves one to four digits. */
export function bytes(n: number, number: (n: number) => string): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let unit = 0;
  while (n >= 1024 && unit < units.length - 1) {
    n /= 1024;
    unit++;
  }
  return `${number(n)}\u00a0${units[unit]}`;
}

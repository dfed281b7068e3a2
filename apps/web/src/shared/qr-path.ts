import encodeQR from 'qr';

// What scanners want around a code, in modules.
const QUIET = 4;

/** A QR code as the path of an SVG, quiet zone included. size: of its view box, in modules. */
export function qrPath(text: string): { path: string; size: number } {
  // 15 %: a screen is clean, and coarser modules are read from further away.
  const modules = encodeQR(text, 'raw', { ecc: 'medium', border: QUIET });
  let path = '';
  modules.forEach((row, y) => {
    for (let x = 0; x < row.length; x++) {
      const from = x;
      while (row[x]) x++;
      if (x > from) path += `M${from} ${y}h${x - from}v1h${from - x}z`;
    }
  });
  return { path, size: modules.length };
}

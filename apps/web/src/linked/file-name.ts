// Names by which Windows means devices.
const DEVICES = /^(con|prn|aux|nul|com\d|lpt\d|conin\$|conout\$)(\.|$)/i;

// Control characters; the marks that turn the direction of what follows, by which "exe.txt" is shown for "txt.exe"; and what separates folders or is special to a system.
// What joins emoji is one of the invisible, and harmless.
const UNWANTED = /[\p{Cc}\p{Zl}\p{Zp}"*/:<>?\\|]|(?!\u200d)\p{Cf}/gu;

const MOST_CHARACTERS = 120;

/** The name by which a file that somebody sent is saved: no path, nothing that is hidden, nothing that a system takes for something else. */
export function safeFileName(name: string): string {
  const plain = name.slice(Math.max(name.lastIndexOf('/'), name.lastIndexOf('\\')) + 1)
    .replace(UNWANTED, '_').replace(/^[.\s]+/, '').replace(/[.\s]+$/, '');
  if (plain === '') return 'file';
  const safe = DEVICES.test(plain) ? `_${plain}` : plain;
  const characters = [...safe];
  if (characters.length <= MOST_CHARACTERS) return safe;
  // The extension says what opens it.
  const extension = /\.[^.\s]{1,16}$/u.exec(safe)?.[0] ?? '';
  return characters.slice(0, MOST_CHARACTERS - [...extension].length).join('') + extension;
}

/** A prefix that takes at most so many bytes of UTF-8, of whole characters. */
export function cutToBytes(text: string, most: number): string {
  const encoder = new TextEncoder();
  const { read } = encoder.encodeInto(text, new Uint8Array(most));
  return text.slice(0, read);
}

/** A file name within the bound of the protocol, with its extension. */
export function fileNameToSend(name: string, most: number): string {
  const extension = /\.[^.\s]{1,16}$/u.exec(name)?.[0] ?? '';
  const cut = cutToBytes(name, most);
  return cut === name ? name : cutToBytes(name, most - new TextEncoder().encode(extension).length) + extension;
}

// Images that are pixels. SVG is a document.
const RASTER = ['image/png', 'image/jpeg', 'image/gif', 'image/webp', 'image/avif', 'image/bmp'];

/** Whether a file of this type may be shown as an image. */
export function isRaster(mediaType: string): boolean {
  return RASTER.includes(mediaType);
}

/** The type of the blob behind a link to save it: nothing that a browser would run as a page of ours, however the link is opened. */
export function safeMediaType(mediaType: string): string {
  return isRaster(mediaType) ? mediaType : 'application/octet-stream';
}

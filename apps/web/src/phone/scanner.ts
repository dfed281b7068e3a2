interface Detector {
  detect(source: CanvasImageSource): Promise<readonly { readonly rawValue: string }[]>;
}

interface DetectorClass {
  new (options: { formats: readonly string[] }): Detector;
  getSupportedFormats(): Promise<readonly string[]>;
}

/** How long between looks, in milliseconds: a person holds a code longer, and the phone stays cool. */
const PAUSE = 120;

/** Pictures are made no larger than this for our own decoder, in pixels. */
const MOST_PIXELS = 720;

/** Why there is no camera. */
export type CameraProblem = 'insecure' | 'denied' | 'noCamera';

/** Opens the camera at the back. */
export async function openCamera(): Promise<MediaStream | CameraProblem> {
  if (!globalThis.isSecureContext || !navigator.mediaDevices) return 'insecure';
  try {
    return await navigator.mediaDevices.getUserMedia({ video: { facingMode: 'environment', width: { ideal: 1280 } }, audio: false });
  } catch (error) {
    return error instanceof DOMException && error.name === 'NotAllowedError' ? 'denied' : 'noCamera';
  }
}

/** Looks at a video until it shows a QR code that is wanted. */
export async function scan(video: HTMLVideoElement, isWanted: (text: string) => boolean, signal: AbortSignal): Promise<void> {
  const look = await nativeLook() ?? await ownLook();
  while (!signal.aborted) {
    if (video.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA) {
      const texts = await look(video);
      if (!signal.aborted && texts.some(isWanted)) return;
    }

    await new Promise((resolve) => setTimeout(resolve, PAUSE));
  }
}

type Look = (video: HTMLVideoElement) => Promise<readonly string[]>;

/** The browser's own detector, where it has one that knows QR codes. */
async function nativeLook(): Promise<Look | null> {
  const { BarcodeDetector } = globalThis as { BarcodeDetector?: DetectorClass };
  try {
    if (!BarcodeDetector || !(await BarcodeDetector.getSupportedFormats()).includes('qr_code')) return null;
    const detector = new BarcodeDetector({ formats: ['qr_code'] });
    return async (video) => (await detector.detect(video).catch(() => [])).map(({ rawValue }) => rawValue);
  } catch {
    return null;
  }
}

/** A decoder that is loaded when it is needed. */
async function ownLook(): Promise<Look> {
  const { default: decodeQR } = await import('qr/decode.js');
  const canvas = document.createElement('canvas');
  const context = canvas.getContext('2d', { willReadFrequently: true })!;
  return (video) => {
    const scale = Math.min(1, MOST_PIXELS / Math.max(video.videoWidth, video.videoHeight));
    canvas.width = Math.round(video.videoWidth * scale);
    canvas.height = Math.round(video.videoHeight * scale);
    context.drawImage(video, 0, 0, canvas.width, canvas.height);
    try {
      return Promise.resolve([decodeQR(context.getImageData(0, 0, canvas.width, canvas.height))]);
    } catch {
      // There is no code in it.
      return Promise.resolve([]);
    }
  };
}

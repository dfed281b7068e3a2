import { qrPath } from '../shared/qr-path.ts';

const SVG = 'http://www.w3.org/2000/svg';

/**
 * An image of a QR code, for a page to place and to give a size. Attributes only: a content security policy without 'unsafe-inline' lets it be.
 * @param label What it is, for those who do not see it.
 */
export function createQrCode(text: string, label: string): SVGSVGElement {
  const { path, size } = qrPath(text);
  const svg = element('svg', { role: 'img', 'aria-label': label, viewBox: `0 0 ${size} ${size}`, 'shape-rendering': 'crispEdges' });
  svg.append(element('rect', { width: size, height: size, fill: '#fff' }), element('path', { d: path, fill: '#000' }));
  return svg as SVGSVGElement;
}

function element(name: string, attributes: Readonly<Record<string, string | number>>): SVGElement {
  const made = document.createElementNS(SVG, name);
  for (const [attribute, value] of Object.entries(attributes)) made.setAttribute(attribute, String(value));
  return made as SVGElement;
}

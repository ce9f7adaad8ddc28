/**
 * A QR code as an SVG picture, from the outline of its dark squares as the server sends it.
 */
const SVG = "http://www.w3.org/2000/svg";
const BORDER = 4; // squares around a QR code, without which cameras do not find it

/** @param {{size: number, path: string}} code; `label` says what it leads to */
export function qrCode({ size, path }, label) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "qr");
  svg.setAttribute("viewBox", `${-BORDER} ${-BORDER} ${size + 2 * BORDER} ${size + 2 * BORDER}`);
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", label);
  svg.setAttribute("shape-rendering", "crispEdges");
  const squares = document.createElementNS(SVG, "path");
  squares.setAttribute("d", path);
  svg.append(squares);
  return svg;
}

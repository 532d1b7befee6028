import { createHash } from 'node:crypto';

/*
 * The first line of a configuration that s2s writes is a comment with the checksum of the other lines: one flipped bit
 * in `beamSize` would otherwise give other translations without an error. People may delete the line.
 */

const LINE = /^# sha256 ([0-9a-f]{64}) of the lines below; delete this line when you edit them\n/;
/** What is left of such a line when it is damaged, or moved to another place. */
const REMAINS =
  /^#[^\n]*sha256 [0-9a-f]|# sha256 [0-9a-f]|[0-9a-f]{40} of the lines|lines below; delete this|when you edit them$/m;

/** A text with the line that holds its checksum. */
export function sealed(text: string): string {
  return `# sha256 ${checksum(text)} of the lines below; delete this line when you edit them\n${text}`;
}

/** Whether a text has a checksum that it does not match. Line ends may be those of any system. */
export function sealIsBroken(text: string): boolean {
  const plain = text.replaceAll('\r\n', '\n');
  const [line, expected] = LINE.exec(plain) ?? [];
  if (line === undefined) return REMAINS.test(plain);
  return checksum(plain.slice(line.length)) !== expected;
}

function checksum(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

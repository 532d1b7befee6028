import { isUtf8 } from 'node:buffer';

/** A kind of file that is not plain UTF-8 text. */
export interface FileKind {
  /** The words after the file name: `is a tar archive`. */
  readonly message: string;
  /** How to make UTF-8 text of it. */
  readonly hint: string;
}

/** Number of bytes from the start of a file that `fileKindOf` needs: a header block of a tar archive. */
export const HEAD_BYTES = 512;

const LINE_FEED = 0x0a;

function bytesOf(hex: string): Buffer {
  return Buffer.from(hex.replaceAll(' ', ''), 'hex');
}

function compressed(program: string, unpack: string): FileKind {
  return { message: `is compressed with ${program}`, hint: `Unpack it first: ${unpack}` };
}

function archive(name: string, unpack: string): FileKind {
  return { message: `is a ${name} archive`, hint: `Unpack it first (${unpack}), and name the text files in it.` };
}

function utf16(message: string, encoding: string): FileKind {
  return { message, hint: `Convert it to UTF-8 first: iconv -f ${encoding} -t utf-8 < old > new` };
}

const ZIP: FileKind = {
  message: 'is a zip archive',
  hint:
    'Unpack it first (unzip), and name the text files in it. A spreadsheet or a document is a zip archive, too: ' +
    'export it as text, in UTF-8.',
};
const OFFICE: FileKind = {
  message: 'is a spreadsheet or a document',
  hint: 'Export it as text, in UTF-8.',
};
const BZIP2 = compressed('bzip2', 'bunzip2 FILE');
const LZ4 = compressed('lz4', 'lz4 -d FILE');
const ZSTD = compressed('zstd', 'zstd -d FILE');

/*
 * The first bytes of files, from the specifications of the formats and the database of file(1). A text can begin with
 * the letters of some of them, so each of these has a byte that no UTF-8 text has, or several that no text begins with.
 */
const SIGNATURES: readonly (readonly [Buffer, FileKind])[] = [
  [bytesOf('ff fe 00 00'), utf16('is UTF-32 text', 'utf-32')],
  [bytesOf('00 00 fe ff'), utf16('is UTF-32 text', 'utf-32')],
  [bytesOf('ff fe'), utf16('is UTF-16 text', 'utf-16')],
  [bytesOf('fe ff'), utf16('is UTF-16 text', 'utf-16')],
  [bytesOf('1f 8b'), compressed('gzip twice', 'gunzip < old > new')],
  [bytesOf('50 4b 03 04'), ZIP],
  [bytesOf('50 4b 05 06'), ZIP],
  [bytesOf('50 4b 07 08'), ZIP],
  [bytesOf('fd 37 7a 58 5a 00'), compressed('xz', 'xz -d FILE')],
  [bytesOf('28 b5 2f fd'), ZSTD],
  [bytesOf('37 7a bc af 27 1c'), archive('7z', '7z x')],
  [bytesOf('52 61 72 21 1a 07'), archive('rar', 'unrar x')],
  [bytesOf('04 22 4d 18'), LZ4],
  [bytesOf('02 21 4c 18'), LZ4],
  [bytesOf('4c 5a 49 50 01'), compressed('lzip', 'lzip -d FILE')],
  [bytesOf('5d 00 00'), compressed('lzma', 'xz -d FILE')],
  [bytesOf('1f 9d'), compressed('compress', 'gunzip FILE')],
  [bytesOf('ff 06 00 00 73 4e 61 50'), compressed('snappy', 'snzip -d FILE')],
  [bytesOf('d0 cf 11 e0 a1 b1 1a e1'), OFFICE],
  [bytesOf('53 51 4c 69 74 65 20 66 6f 72 6d 61 74 20 33 00'), { message: 'is an SQLite database', hint: OFFICE.hint }],
  [bytesOf('50 41 52 31 15'), { message: 'is a Parquet file', hint: 'Export it as TSV or JSON Lines first.' }],
  // BZh, the level, and the magic number of a block or of the end of an empty file. "BZh9" alone can begin a text.
  ...Array.from({ length: 9 }, (_, index) => `42 5a 68 3${index + 1}`).flatMap((start) =>
    ['31 41 59 26 53 59', '17 72 45 38 50 90'].map((block) => [bytesOf(`${start} ${block}`), BZIP2] as const),
  ),
  // Skippable frames of zstd; pzstd writes one at the start.
  ...Array.from({ length: 16 }, (_, low) => [bytesOf(`5${low.toString(16)} 2a 4d 18`), ZSTD] as const),
];

/**
 * Recognises archives, compressed files and text in UTF-16 or UTF-32 by their first bytes.
 *
 * @param head the first `HEAD_BYTES` bytes, or the whole file if it is shorter. Bytes after these are ignored.
 * @returns undefined for UTF-8 text, and for files of unknown kind
 */
export function fileKindOf(head: Buffer): FileKind | undefined {
  const start = head.subarray(0, HEAD_BYTES);
  const signature = signatureOf(start);
  if (signature !== undefined) return signature;
  if (isTarHeader(start)) return archive('tar', 'tar xf');
  const order = utf16Order(start);
  return order === undefined
    ? undefined
    : utf16('seems to be UTF-16 text without a byte order mark', order === 'little' ? 'utf-16le' : 'utf-16be');
}

/**
 * Whether more bytes are needed to recognise a file. With a whole line of text they are not waited for, so that a
 * program that writes line by line gets an answer to each.
 */
export function needsMoreBytes(head: Buffer): boolean {
  return head.length < HEAD_BYTES && !head.includes(LINE_FEED) && signatureOf(head) === undefined;
}

function signatureOf(head: Buffer): FileKind | undefined {
  return SIGNATURES.find(([bytes]) => bytes.equals(head.subarray(0, bytes.length)))?.[1];
}

/**
 * Whether a block is the header of a member of a tar archive: its checksum, an octal number at byte 148, is the sum of
 * all bytes, with spaces in place of the checksum. Old archives lack the `ustar` at byte 257.
 */
function isTarHeader(block: Buffer): boolean {
  if (block.length < HEAD_BYTES) return false;
  const field = /^ *([0-7]+)[ \0]/.exec(block.toString('latin1', 148, 156));
  if (field === null) return false;
  const sum = block.reduce((total, byte, index) => total + (index >= 148 && index < 156 ? 0x20 : byte), 0);
  return sum === parseInt(field[1]!, 8);
}

/**
 * Minimum share of bytes below 0x20 in UTF-16 text that is valid UTF-8, too: the high bytes of letters of most
 * alphabets. UTF-8 text has few, its line feeds and tabs.
 */
const CONTROL_SHARE = 0.25;
/** Minimum share of characters of a text that are letters, digits, punctuation, symbols or spaces. */
const TEXT_SHARE = 0.95;

/**
 * The byte order of a text that is obviously UTF-16: one of the two bytes of a character is NUL in spaces, line feeds,
 * Latin letters and ASCII punctuation, always the same of the two.
 */
function utf16Order(head: Buffer): 'little' | 'big' | undefined {
  const bytes = head.subarray(0, head.length - (head.length % 2));
  const nul = { even: 0, odd: 0 };
  let control = 0;
  bytes.forEach((byte, index) => {
    if (byte === 0) nul[index % 2 === 0 ? 'even' : 'odd']++;
    if (byte < 0x20) control++;
  });
  if (nul.even > 0 === nul.odd > 0) return undefined;
  if (isUtf8(bytes) && control < CONTROL_SHARE * bytes.length) return undefined;
  const order = nul.odd > 0 ? 'little' : 'big';
  const text = new TextDecoder(order === 'little' ? 'utf-16le' : 'utf-16be').decode(bytes);
  const readable = text.match(/[\p{L}\p{M}\p{N}\p{P}\p{S}\p{Z}\t\n\r]/gu)?.length ?? 0;
  return /[ \n]/.test(text) && readable >= TEXT_SHARE * [...text].length ? order : undefined;
}

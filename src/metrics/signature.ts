import { packageVersion } from '../version.js';

/**
 * Formats a signature, everything needed to reproduce a score, as in sacreBLEU (Post, "A Call for Clarity in Reporting
 * BLEU Scores", WMT 2018): `nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:s2s-0.1.0`.
 *
 * The version is that of s2s, to distinguish the score from one computed by sacreBLEU.
 */
export function formatSignature(
  referenceCount: number,
  fields: Readonly<Record<string, string | number | boolean>>,
): string {
  const all = Object.entries({ nrefs: referenceCount, ...fields, version: `s2s-${packageVersion()}` });
  return all.map(([name, value]) => `${name}:${typeof value === 'boolean' ? yesOrNo(value) : value}`).join('|');
}

/** `BLEU|nrefs:1|... = 37.21 ...` */
export function formatScore(
  name: string,
  score: number,
  { width, signature, details }: { width: number; signature?: string; details?: string },
): string {
  const head = signature === undefined ? name : `${name}|${signature}`;
  return `${head} = ${formatFixed(score, width)}${details === undefined ? '' : ` ${details}`}`;
}

/**
 * Formats a number with a fixed number of decimals, rounding half to even as Python and C do: 6.25 is 6.2, as in
 * sacreBLEU, where `toFixed` returns 6.3.
 */
export function formatFixed(value: number, decimals: number): string {
  const rounded = value.toFixed(decimals);
  // Enough digits to represent every double above 1e-8 exactly.
  const exact = value.toFixed(decimals + 30);
  const cut = exact.length - 30;
  if (!/^50*$/.test(exact.slice(cut))) return rounded;
  const truncated = exact.slice(0, cut).replace(/\.$/, '');
  return Number(truncated.at(-1)) % 2 === 0 ? truncated : rounded;
}

function yesOrNo(value: boolean): string {
  return value ? 'yes' : 'no';
}

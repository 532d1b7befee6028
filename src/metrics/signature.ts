import { packageVersion } from '../version.js';

/**
 * A signature: all that one must know to compute a score again, in the fields and the order of sacreBLEU (Post, "A Call
 * for Clarity in Reporting BLEU Scores", WMT 2018), such as `nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:s2s-0.1.0`.
 *
 * The version is that of s2s, so that nobody takes the score for one that sacreBLEU itself has computed.
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
 * A number with so many decimals, rounded as Python and C print it: a value exactly between two neighbours goes to the
 * even one. `toFixed` takes the larger: 6.25 to 6.3, where sacreBLEU prints 6.2.
 */
export function formatFixed(value: number, decimals: number): string {
  const rounded = value.toFixed(decimals);
  // Enough digits to see every double above 1e-8 as it is.
  const exact = value.toFixed(decimals + 30);
  const cut = exact.length - 30;
  if (!/^50*$/.test(exact.slice(cut))) return rounded;
  const truncated = exact.slice(0, cut).replace(/\.$/, '');
  return Number(truncated.at(-1)) % 2 === 0 ? truncated : rounded;
}

function yesOrNo(value: boolean): string {
  return value ? 'yes' : 'no';
}

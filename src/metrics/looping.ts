import { splitWords } from './words.js';

/** Outputs of a sick model: each list names outputs by index. */
export interface LoopReport {
  /** The output that most different inputs share, where that is suspiciously many; undefined otherwise. */
  readonly identical: { readonly output: string; readonly indices: readonly number[] } | undefined;
  /** Outputs that say the same words over and over, though their inputs do not. */
  readonly repeating: readonly number[];
  /** Empty outputs of inputs that are not blank. */
  readonly empty: readonly number[];
}

/** Different inputs with one output: this many, and this share of all inputs. */
const MIN_IDENTICAL = 3;
const MIN_IDENTICAL_SHARE = 0.1;
/** Longest unit whose repetition is looked for, and how often in a row it must be there. */
const MAX_UNIT_WORDS = 8;
const MIN_REPEATS = 4;
/** Where words are not told apart by spaces: up to 12 characters, ten times. */
const REPEATED_CHARACTERS = /(\S.{0,11}?)\1{9}/su;

/**
 * Looks for what a model does that has not learnt to look at its input, or has diverged: the same output for many
 * inputs, endless repeats, nothing at all.
 *
 * @param sources inputs, one for each hypothesis: equal inputs may have equal outputs
 */
export function findLoops(sources: readonly string[], hypotheses: readonly string[]): LoopReport {
  const repeating: number[] = [];
  const empty: number[] = [];
  const inputsOf = new Map<string, { readonly sources: Set<string>; readonly indices: number[] }>();
  const distinctSources = new Set<string>();
  hypotheses.forEach((hypothesis, index) => {
    const source = (sources[index] ?? '').trim();
    const output = hypothesis.trim();
    if (source === '') return;
    distinctSources.add(source);
    if (output === '') {
      empty.push(index);
      return;
    }
    if (repeats(output) && !repeats(source)) repeating.push(index);
    const entry = inputsOf.get(output) ?? { sources: new Set(), indices: [] };
    inputsOf.set(output, entry);
    entry.sources.add(source);
    entry.indices.push(index);
  });
  const [output, most] = [...inputsOf].reduce<[string, { sources: Set<string>; indices: number[] } | undefined]>(
    (best, entry) => (entry[1].sources.size > (best[1]?.sources.size ?? 0) ? entry : best),
    ['', undefined],
  );
  const isMany =
    most !== undefined && most.sources.size >= Math.max(MIN_IDENTICAL, MIN_IDENTICAL_SHARE * distinctSources.size);
  return { identical: isMany ? { output, indices: most.indices } : undefined, repeating, empty };
}

/** What `findLoops` found, in words for a log; none where all is well. */
export function loopingOutputs(sources: readonly string[], hypotheses: readonly string[]): string[] {
  const { identical, repeating, empty } = findLoops(sources, hypotheses);
  const share = (indices: readonly number[]): string => `${indices.length} of ${hypotheses.length} outputs`;
  const warnings: string[] = [];
  if (identical !== undefined) {
    warnings.push(
      `${share(identical.indices)} are the same although their inputs differ: ${JSON.stringify(shorten(identical.output))}`,
    );
  }
  if (repeating.length > 0) {
    const first = repeating[0]!;
    warnings.push(
      `${share(repeating)} ${repeating.length === 1 ? 'repeats' : 'repeat'} the same words over and over, as sentence ${first + 1}: ${JSON.stringify(shorten(hypotheses[first]!))}`,
    );
  }
  if (empty.length > 0)
    warnings.push(
      `${share(empty)} ${empty.length === 1 ? 'is' : 'are'} empty although the input is not, as sentence ${empty[0]! + 1}`,
    );
  return warnings;
}

/** Whether some words, or some characters, stand again and again in a row. */
function repeats(text: string): boolean {
  const words = splitWords(text);
  for (let unit = 1; unit <= MAX_UNIT_WORDS && unit * MIN_REPEATS <= words.length; unit++) {
    let run = 0;
    for (let i = unit; i < words.length; i++) {
      run = words[i] === words[i - unit] ? run + 1 : 0;
      if (run === unit * (MIN_REPEATS - 1)) return true;
    }
  }
  return REPEATED_CHARACTERS.test(text);
}

const SHOWN_CHARACTERS = 80;

function shorten(text: string): string {
  const characters = [...text];
  return characters.length <= SHOWN_CHARACTERS ? text : `${characters.slice(0, SHOWN_CHARACTERS - 1).join('')}…`;
}

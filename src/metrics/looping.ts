import { plural } from '../plural.js';
import { splitWords } from './words.js';

/** Degenerate outputs, by index. */
export interface LoopReport {
  /** The output shared by most different inputs, if they are suspiciously many. */
  readonly identical: { readonly output: string; readonly indices: readonly number[] } | undefined;
  /** Outputs with repeated words whose inputs do not repeat. */
  readonly repeating: readonly number[];
  /** Empty outputs of non-blank inputs. */
  readonly empty: readonly number[];
}

/** Minimum number and fraction of different inputs with the same output. */
const MIN_IDENTICAL = 3;
const MIN_IDENTICAL_SHARE = 0.1;
/** Maximum length of a repeated unit, and minimum number of consecutive repetitions. */
const MAX_UNIT_WORDS = 8;
const MIN_REPEATS = 4;
/** For scripts without spaces: up to 12 characters, ten times. */
const REPEATED_CHARACTERS = /(\S.{0,11}?)\1{9}/su;

/**
 * Detects the degenerate outputs of a model that ignores its input or has diverged: identical output for many inputs,
 * repetition, or empty output.
 *
 * @param sources inputs, one per hypothesis, since equal inputs may have equal outputs
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

/** Warnings about the degenerate outputs that `findLoops` detects. */
export function loopingOutputs(sources: readonly string[], hypotheses: readonly string[]): string[] {
  const { identical, repeating, empty } = findLoops(sources, hypotheses);
  const share = (indices: readonly number[]): string =>
    `in ${indices.length} of ${plural(hypotheses.length, 'output')}`;
  const example = (indices: readonly number[]): string => `for example sentence ${indices[0]! + 1}`;
  const quote = (output: string): string => JSON.stringify(shorten(output));
  const warnings: string[] = [];
  if (identical !== undefined) {
    const { output, indices } = identical;
    warnings.push(`identical output for different inputs ${share(indices)}: ${quote(output)}`);
  }
  if (repeating.length > 0) {
    const output = hypotheses[repeating[0]!]!;
    warnings.push(`repeated words ${share(repeating)}, ${example(repeating)}: ${quote(output)}`);
  }
  if (empty.length > 0) warnings.push(`empty output for non-empty input ${share(empty)}, ${example(empty)}`);
  return warnings;
}

/** Whether a text has consecutive repetitions of the same words or characters. */
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

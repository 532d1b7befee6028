import { nearest } from '../config/nearest.js';

/**
 * Options of other toolkits, and the options of s2s that do the same. A command suggests those that it has; `set` has a
 * setting as its value.
 */
const SYNONYMS: ReadonlyMap<string, readonly string[]> = new Map([
  ['alignment', ['save-attention FILE']],
  ['alignments', ['save-attention FILE']],
  ['attention', ['save-attention FILE']],
  ['beam', ['beam-size']],
  ['batch-size', ['set training.batch.size=N']],
  ['checkpoint-path', ['checkpoint']],
  ['cpu', ['device cpu']],
  ['cuda', ['device gpu']],
  ['epoch', ['max-epochs']],
  ['epochs', ['max-epochs']],
  ['gpu', ['cuda', 'device gpu']],
  ['gpus', ['cuda', 'device gpu']],
  ['hyp', ['hypotheses']],
  ['hyps', ['hypotheses']],
  ['hypothesis', ['hypotheses']],
  ['i', ['source']],
  ['in', ['source']],
  ['input', ['source']],
  ['learning-rate', ['set training.optimizer.learningRate=N']],
  ['lr', ['set training.optimizer.learningRate=N']],
  ['minutes', ['max-minutes']],
  ['model-dir', ['model', 'run-dir']],
  ['num-epochs', ['max-epochs']],
  ['o', ['output', 'run-dir']],
  ['out', ['output', 'run-dir']],
  ['output', ['run-dir']],
  ['output-dir', ['run-dir']],
  ['print-alignment', ['save-attention FILE']],
  ['ref', ['references']],
  ['refs', ['references']],
  ['reference', ['references']],
  ['report-align', ['save-attention FILE']],
  ['save-dir', ['run-dir']],
  ['src', ['source']],
  ['steps', ['max-steps']],
  ['tgt', ['references']],
  ['verbose', ['log-level debug']],
  ['quiet', ['log-level warn']],
]);

/** Options of other toolkits for what s2s takes as arguments and redirections. */
const FILE_OPTIONS = new Set(['i', 'in', 'input', 'input-file', 'o', 'out', 'output', 'output-file', 'src', 'source']);

/** Shortest abbreviation for which the option that it begins is suggested. */
const MIN_PREFIX = 3;

/** Whether an option names an input or output file, for which commands with file arguments have no option. */
export function namesFile(option: string): boolean {
  return FILE_OPTIONS.has(option);
}

/**
 * The options that an unknown one may mean: the same in other toolkits, those that it begins, or the nearest.
 *
 * @param option without dashes
 * @param known options of the command, without dashes
 * @returns options with their values, without dashes
 */
export function suggestOptions(option: string, known: readonly string[]): readonly string[] {
  const name = (suggestion: string): string => suggestion.split(' ', 1)[0]!;
  const synonym = SYNONYMS.get(option.toLowerCase())?.find((suggestion) => known.includes(name(suggestion)));
  if (synonym !== undefined) return [synonym];
  const begun = option.length < MIN_PREFIX ? [] : known.filter((other) => other.startsWith(option));
  // Options are also known by their names in camel case.
  const dashed = begun.filter((other) => !/[A-Z]/.test(other));
  if (dashed.length > 0) return dashed.slice(0, 3);
  const best = nearest(option, known);
  return best === undefined ? [] : [best];
}

import { SPECIAL_TOKENS, UNK } from '../vocab/special.js';

/** A tokenizer.json definition as s2s runs it. */
export interface TextDefinition {
  readonly definition: object;
  /** Settings of the file that are not followed, each with the reason, as sentences for the user. */
  readonly notices: readonly string[];
}

interface Model {
  readonly type?: unknown;
  readonly vocab?: unknown;
  readonly merges?: unknown;
  readonly unk_token?: unknown;
  readonly unk_id?: unknown;
  readonly dropout?: unknown;
  readonly byte_fallback?: unknown;
}

interface Definition {
  readonly truncation?: unknown;
  readonly padding?: unknown;
  readonly added_tokens?: readonly { readonly content: string }[] | null;
  readonly normalizer?: unknown;
  readonly pre_tokenizer?: unknown;
  readonly post_processor?: unknown;
  readonly model: Model;
}

const SPECIAL = new Set<string>(SPECIAL_TOKENS);

/**
 * Changes a tokenizer.json definition so that it encodes all of a text, always in the same way, as ordinary tokens:
 *
 * - No padding, no truncation, no dropout of merges (BPE-dropout): batches and regularisation are the trainer's work.
 * - No post-processor: the trainer adds `<s>` and `</s>`.
 * - `<pad>`, `<unk>`, `<s>` and `</s>` in a text are split like any other text. As added tokens they would be searched
 *   in raw text; as pieces of the vocabulary a model could still choose them, so there they get names that no text has.
 *   The ids stay as they are.
 * - Text outside the vocabulary becomes `<unk>` (id 1), not another token, nor nothing at all.
 *
 * @param definition the parsed file
 */
export function asPlainText(definition: Definition): TextDefinition {
  const { model } = definition;
  const notices: string[] = [];
  if (isSet(definition.padding)) notices.push('its `padding` is switched off: s2s pads batches itself');
  if (isSet(definition.truncation)) notices.push('its `truncation` is switched off: it would cut sentences');
  if (isSet(model.dropout) && model.dropout !== 0) {
    notices.push('its BPE `dropout` is switched off: the same text must always give the same tokens');
  }
  // Bytes can write any text, so that nothing is unknown.
  const steps = JSON.stringify([definition.normalizer, definition.pre_tokenizer]);
  const bytes = model.byte_fallback === true || steps.includes('"ByteLevel"');
  const unknown = bytes ? undefined : unknownIsLost(model);
  if (unknown !== undefined) notices.push(unknown);
  return {
    definition: {
      ...definition,
      truncation: null,
      padding: null,
      added_tokens: (definition.added_tokens ?? []).filter(({ content }) => !SPECIAL.has(content)),
      post_processor: null,
      model: plainModel(model),
    },
    notices,
  };
}

function plainModel(model: Model): object {
  const { vocab } = model;
  if (Array.isArray(vocab)) {
    const pieces = (vocab as [string, number][]).map(([piece, score]) => [hidden(piece), score]);
    return { ...model, vocab: pieces, unk_id: UNK };
  }
  const entries = Object.entries(vocab as Record<string, number>).map(([token, id]) => [hidden(token), id] as const);
  const unk = SPECIAL_TOKENS[UNK];
  const common = { ...model, vocab: Object.fromEntries(entries), unk_token: hidden(unk) };
  if (!Array.isArray(model.merges)) return common;
  // Merges that make a special symbol from text, or go on from one, have no place any more.
  const merges = (model.merges as (string | [string, string])[]).filter((merge) => {
    const [left = '', right = ''] = typeof merge === 'string' ? merge.split(' ') : merge;
    return ![left, right, left + right].some((token) => SPECIAL.has(token));
  });
  return { ...common, dropout: null, merges };
}

/** What happens to unknown text by the file itself, if that is not `<unk>`. */
function unknownIsLost({ type, unk_token: token, unk_id: id }: Model): string | undefined {
  const unk = SPECIAL_TOKENS[UNK];
  if (type === 'Unigram') {
    return id === UNK ? undefined : `its \`unk_id\` is not ${UNK}: unknown text becomes ${unk} all the same`;
  }
  if (token === unk) return undefined;
  return isSet(token)
    ? `its \`unk_token\` is ${JSON.stringify(token)}: unknown text becomes ${unk} all the same`
    : `it has no \`unk_token\` and would leave out unknown text: s2s reads it as ${unk}`;
}

/** A special symbol under a name of noncharacters and line feeds; any other token as it is. */
function hidden(token: string): string {
  return SPECIAL.has(token) ? `\uFFFF\n${token}\n\uFFFF` : token;
}

function isSet(value: unknown): boolean {
  return value !== undefined && value !== null;
}

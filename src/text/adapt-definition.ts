import { SPECIAL_TOKENS, UNK } from '../vocab/special.js';

/** A tokenizer.json definition adapted for s2s. */
export interface AdaptedDefinition {
  readonly definition: object;
  /** Settings of the file that are ignored, with the reasons, for the user. */
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
 * Adapts a tokenizer.json definition so that it encodes complete sentences, deterministically, without special tokens:
 *
 * - Padding, truncation and BPE-dropout are disabled: the trainer pads batches, and encoding must be deterministic.
 * - The post-processor is removed: the trainer adds `<s>` and `</s>`.
 * - Literal `<pad>`, `<unk>`, `<s>` and `</s>` in a text are split like other text. They are removed from the added
 *   tokens, which match raw text, and renamed in the vocabulary to names that no text has. Ids do not change.
 * - Text outside the vocabulary becomes `<unk>` (id 1); it is neither dropped nor mapped to another token.
 *
 * @param definition the parsed file
 */
export function adaptDefinition(definition: Definition): AdaptedDefinition {
  const { model } = definition;
  const notices: string[] = [];
  if (isSet(definition.padding)) notices.push('its `padding` is switched off: s2s pads batches itself');
  if (isSet(definition.truncation)) notices.push('its `truncation` is switched off: it would cut sentences');
  if (isSet(model.dropout) && model.dropout !== 0) {
    notices.push('its BPE `dropout` is switched off: the same text must always give the same tokens');
  }
  // With byte-level or byte-fallback models no text is unknown.
  const steps = JSON.stringify([definition.normalizer, definition.pre_tokenizer]);
  const bytes = model.byte_fallback === true || steps.includes('"ByteLevel"');
  const unknown = bytes ? undefined : unknownTextNotice(model);
  if (unknown !== undefined) notices.push(unknown);
  return {
    definition: {
      ...definition,
      truncation: null,
      padding: null,
      added_tokens: (definition.added_tokens ?? []).filter(({ content }) => !SPECIAL.has(content)),
      post_processor: null,
      model: adaptModel(model),
    },
    notices,
  };
}

function adaptModel(model: Model): object {
  const { vocab } = model;
  if (Array.isArray(vocab)) {
    const pieces = (vocab as [string, number][]).map(([piece, score]) => [renameSpecial(piece), score]);
    return { ...model, vocab: pieces, unk_id: UNK };
  }
  const entries = Object.entries(vocab as Record<string, number>).map(
    ([token, id]) => [renameSpecial(token), id] as const,
  );
  const unk = SPECIAL_TOKENS[UNK];
  const common = { ...model, vocab: Object.fromEntries(entries), unk_token: renameSpecial(unk) };
  if (!Array.isArray(model.merges)) return common;
  // Merges that produce or extend a special token would refer to its old name.
  const merges = (model.merges as (string | [string, string])[]).filter((merge) => {
    const [left = '', right = ''] = typeof merge === 'string' ? merge.split(' ') : merge;
    return ![left, right, left + right].some((token) => SPECIAL.has(token));
  });
  return { ...common, dropout: null, merges };
}

/** The notice for a file that does not map unknown text to `<unk>`. */
function unknownTextNotice({ type, unk_token: token, unk_id: id }: Model): string | undefined {
  const unk = SPECIAL_TOKENS[UNK];
  if (type === 'Unigram') {
    return id === UNK ? undefined : `its \`unk_id\` is not ${UNK}: unknown text becomes ${unk} all the same`;
  }
  if (token === unk) return undefined;
  return isSet(token)
    ? `its \`unk_token\` is ${JSON.stringify(token)}: unknown text becomes ${unk} all the same`
    : `it has no \`unk_token\` and would leave out unknown text: s2s reads it as ${unk}`;
}

/** Renames a special token to a name with noncharacters and line feeds; other tokens are unchanged. */
function renameSpecial(token: string): string {
  return SPECIAL.has(token) ? `\uFFFF\n${token}\n\uFFFF` : token;
}

function isSet(value: unknown): boolean {
  return value !== undefined && value !== null;
}

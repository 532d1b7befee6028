import type { Decoder, JsEncoding, Normalizer, PreTokenizer, Tokenizer as Library } from 'tokenizers';
import { BOS, EOS, PAD, SPECIAL_TOKENS, UNK } from '../vocab/special.js';
import { SPACE_MARK } from './definition.js';
import type { Span, Tokenizer } from './tokenizer.js';

const WITHOUT_SPECIAL_TOKENS = { addSpecialTokens: false };

/** A tokenizer backed by the Hugging Face `tokenizers` library. */
export class HuggingFaceTokenizer implements Tokenizer {
  readonly fingerprint: string;
  readonly notices: readonly string[];
  private readonly tokens: readonly string[];
  private readonly normalizer: Normalizer | null;
  private readonly preTokenizer: PreTokenizer | null;
  private readonly decoder: Decoder | null;

  /**
   * @param library created from a definition returned by `adaptDefinition`
   * @param modelType `model.type` in tokenizer.json
   * @param metadata `tokens` is the vocabulary, indexed by id
   */
  constructor(
    private readonly library: Library,
    private readonly modelType: string,
    metadata: { readonly tokens: readonly string[]; readonly fingerprint: string; readonly notices: readonly string[] },
  ) {
    this.tokens = metadata.tokens;
    this.fingerprint = metadata.fingerprint;
    this.notices = metadata.notices;
    this.normalizer = library.getNormalizer();
    this.preTokenizer = library.getPreTokenizer();
    this.decoder = library.getDecoder();
  }

  get vocabularySize(): number {
    return this.tokens.length;
  }

  async encode(text: string): Promise<number[]> {
    return textIds(await this.library.encode(text, null, WITHOUT_SPECIAL_TOKENS));
  }

  async encodeBatch(texts: readonly string[]): Promise<number[][]> {
    const encodings = await this.library.encodeBatch([...texts], WITHOUT_SPECIAL_TOKENS);
    return encodings.map(textIds);
  }

  async tokenize(text: string): Promise<string[]> {
    return this.surfaces(text, await this.library.encode(text, null, WITHOUT_SPECIAL_TOKENS));
  }

  async tokenizeBatch(texts: readonly string[]): Promise<string[][]> {
    const encodings = await this.library.encodeBatch([...texts], WITHOUT_SPECIAL_TOKENS);
    return encodings.map((encoding, i) => this.surfaces(texts[i]!, encoding));
  }

  async spansOf(text: string): Promise<Span[]> {
    return spans(text, await this.library.encode(text, null, WITHOUT_SPECIAL_TOKENS));
  }

  normalize(text: string): string {
    if (this.normalizer === null) return text;
    const normalized = this.normalizer.normalizeString(text);
    // The normalizer of s2s escapes characters and marks spaces; its decoder reverses this.
    const decoded = this.detokenize([normalized]);
    // The decoders of byte-level tokenizers expect bytes instead of text.
    return decoded.includes('\ufffd') && !text.includes('\ufffd') ? normalized : decoded;
  }

  decode(ids: readonly number[]): string {
    return this.detokenize(ids.filter((id) => id >= SPECIAL_TOKENS.length).map((id) => this.tokenOf(id)));
  }

  detokenize(tokens: readonly string[]): string {
    return this.decoder === null ? tokens.join(' ') : this.decoder.decode([...tokens]);
  }

  tokenOf(id: number): string {
    const token = this.tokens[id];
    if (token === undefined) throw new RangeError(`token id ${id} is outside the vocabulary of ${this.tokens.length}`);
    return token;
  }

  /** The tokens, with `<unk>` replaced by the surface form it stands for. */
  private surfaces(text: string, encoding: JsEncoding): string[] {
    const ids = textIds(encoding);
    const tokens = encoding.getTokens();
    // The Unigram model returns the surface form of unknown tokens itself.
    if (!ids.includes(UNK) || this.modelType === 'Unigram') return tokens;
    const normalized = this.normalizer === null ? text : this.normalizer.normalizeString(text);
    const surfaces =
      this.modelType === 'WordLevel' ? this.preTokens(normalized) : unknownCharacters(tokens, ids, normalized);
    if (surfaces?.length === tokens.length) return surfaces;
    // The pre-tokenizer replaces or drops spaces, so the normalised text does not align: use the original text.
    const offsets = spans(text, encoding);
    return tokens.map((token, i) => (ids[i] === UNK ? text.slice(...offsets[i]!).replaceAll(' ', SPACE_MARK) : token));
  }

  /** The pre-tokens, which a WordLevel model maps to one token each. */
  private preTokens(normalized: string): string[] {
    return this.preTokenizer === null
      ? [normalized]
      : this.preTokenizer.preTokenizeString(normalized).map(([preToken]) => preToken);
  }
}

/**
 * The ids of a text, special ids mapped to `<unk>`. `adaptDefinition` makes special tokens unreachable except by their
 * internal names; a text with such a name must not produce `</s>`, which would end the sentence.
 */
function textIds(encoding: JsEncoding): number[] {
  return encoding.getIds().map((id) => (id === PAD || id === BOS || id === EOS ? UNK : id));
}

/**
 * The tokens, with each `<unk>` replaced by one character of the normalised text; undefined if tokens and text do not
 * align.
 */
function unknownCharacters(
  tokens: readonly string[],
  ids: readonly number[],
  normalized: string,
): string[] | undefined {
  let at = 0;
  const surfaces: string[] = [];
  for (const [i, token] of tokens.entries()) {
    const surface = ids[i] === UNK ? String.fromCodePoint(normalized.codePointAt(at) ?? 0xfffd) : token;
    if (!normalized.startsWith(surface, at)) return undefined;
    at += surface.length;
    surfaces.push(surface);
  }
  return at === normalized.length ? surfaces : undefined;
}

/** Converts offsets from code points, as in the library, to UTF-16 code units. */
function spans(text: string, encoding: JsEncoding): Span[] {
  const units = [0];
  for (const character of text) units.push(units.at(-1)! + character.length);
  return encoding.getOffsets().map(([start, end]) => [units[start!]!, units[end!]!]);
}

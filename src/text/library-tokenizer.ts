import type { Decoder, JsEncoding, Normalizer, PreTokenizer, Tokenizer as Library } from 'tokenizers';
import { BOS, EOS, PAD, SPECIAL_TOKENS, UNK } from '../vocab/special.js';
import { SPACE_MARK } from './definition.js';
import type { Span, Tokenizer } from './tokenizer.js';

const WITHOUT_SPECIAL_TOKENS = { addSpecialTokens: false };

/** A tokenizer that Hugging Face's `tokenizers` library runs. */
export class LibraryTokenizer implements Tokenizer {
  readonly fingerprint: string;
  readonly notices: readonly string[];
  private readonly tokens: readonly string[];
  private readonly normalizer: Normalizer | null;
  private readonly preTokenizer: PreTokenizer | null;
  private readonly decoder: Decoder | null;

  /**
   * @param library made from a definition as `asPlainText` gives it
   * @param modelType `type` of the model in tokenizer.json
   * @param about `tokens`: the vocabulary by id
   */
  constructor(
    private readonly library: Library,
    private readonly modelType: string,
    about: { readonly tokens: readonly string[]; readonly fingerprint: string; readonly notices: readonly string[] },
  ) {
    this.tokens = about.tokens;
    this.fingerprint = about.fingerprint;
    this.notices = about.notices;
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

  /** The tokens with the text that they stand for where the library says `<unk>`. */
  private surfaces(text: string, encoding: JsEncoding): string[] {
    const ids = textIds(encoding);
    const tokens = encoding.getTokens();
    // The unigram model gives the text of its unknown tokens itself.
    if (!ids.includes(UNK) || this.modelType === 'Unigram') return tokens;
    const normalized = this.normalizer === null ? text : this.normalizer.normalizeString(text);
    const surfaces =
      this.modelType === 'WordLevel' ? this.pieces(normalized) : charactersOfUnknown(tokens, ids, normalized);
    if (surfaces?.length === tokens.length) return surfaces;
    // A tokenizer that marks or drops spaces after normalisation: the text itself, spaces marked as in tokens.
    const places = spans(text, encoding);
    return tokens.map((token, i) => (ids[i] === UNK ? text.slice(...places[i]!).replaceAll(' ', SPACE_MARK) : token));
  }

  /** A word model has one token for each piece. */
  private pieces(normalized: string): string[] {
    return this.preTokenizer === null
      ? [normalized]
      : this.preTokenizer.preTokenizeString(normalized).map(([piece]) => piece);
  }
}

/**
 * The ids of a text. `asPlainText` keeps the special symbols out of reach; should a text hold the very names it hides
 * them under, it is unknown text, for a `</s>` inside a sentence would end it.
 */
function textIds(encoding: JsEncoding): number[] {
  return encoding.getIds().map((id) => (id === PAD || id === BOS || id === EOS ? UNK : id));
}

/** Tokens where `<unk>` stands for one character of the normalised text each; undefined where they do not line up. */
function charactersOfUnknown(
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

/** The library counts code points; strings count UTF-16 code units. */
function spans(text: string, encoding: JsEncoding): Span[] {
  const units = [0];
  for (const character of text) units.push(units.at(-1)! + character.length);
  return encoding.getOffsets().map(([start, end]) => [units[start!]!, units[end!]!]);
}

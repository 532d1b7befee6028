import type { Decoder, JsEncoding, Normalizer, PreTokenizer, Tokenizer as Library } from 'tokenizers';
import { SPECIAL_TOKENS, UNK } from '../vocab/special.js';
import type { Span, Tokenizer } from './tokenizer.js';

const WITHOUT_SPECIAL_TOKENS = { addSpecialTokens: false };

/** A tokenizer that Hugging Face's `tokenizers` library runs. */
export class LibraryTokenizer implements Tokenizer {
  private readonly normalizer: Normalizer | null;
  private readonly preTokenizer: PreTokenizer | null;
  private readonly decoder: Decoder | null;

  /**
   * @param modelType `type` of the model in tokenizer.json
   * @param tokens the vocabulary by id
   */
  constructor(
    private readonly library: Library,
    private readonly modelType: string,
    private readonly tokens: readonly string[],
    readonly fingerprint: string,
  ) {
    this.normalizer = library.getNormalizer();
    this.preTokenizer = library.getPreTokenizer();
    this.decoder = library.getDecoder();
  }

  get vocabularySize(): number {
    return this.tokens.length;
  }

  async encode(text: string): Promise<number[]> {
    return (await this.library.encode(text, null, WITHOUT_SPECIAL_TOKENS)).getIds();
  }

  async encodeBatch(texts: readonly string[]): Promise<number[][]> {
    const encodings = await this.library.encodeBatch([...texts], WITHOUT_SPECIAL_TOKENS);
    return encodings.map((encoding) => encoding.getIds());
  }

  async tokenize(text: string): Promise<string[]> {
    return this.surfaces(text, await this.library.encode(text, null, WITHOUT_SPECIAL_TOKENS));
  }

  async tokenizeBatch(texts: readonly string[]): Promise<string[][]> {
    const encodings = await this.library.encodeBatch([...texts], WITHOUT_SPECIAL_TOKENS);
    return encodings.map((encoding, i) => this.surfaces(texts[i]!, encoding));
  }

  async spansOf(text: string): Promise<Span[]> {
    const encoding = await this.library.encode(text, null, WITHOUT_SPECIAL_TOKENS);
    // The library counts code points.
    const units = [0];
    for (const character of text) units.push(units.at(-1)! + character.length);
    return encoding.getOffsets().map(([start, end]) => [units[start!]!, units[end!]!]);
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
    const tokens = encoding.getTokens();
    const ids = encoding.getIds();
    if (!ids.includes(UNK)) return tokens;
    const normalized = this.normalizer === null ? text : this.normalizer.normalizeString(text);
    // A word model has one token for each piece.
    if (this.modelType === 'WordLevel') {
      return this.preTokenizer === null ? [normalized] : this.preTokenizer.preTokenizeString(normalized).map(([piece]) => piece);
    }
    // The unigram model gives the text of its unknown tokens itself, the BPE model has one `<unk>` for each character.
    if (this.modelType === 'Unigram') return tokens;
    let at = 0;
    return tokens.map((token, i) => {
      const surface = ids[i] === UNK ? String.fromCodePoint(normalized.codePointAt(at) ?? 0xfffd) : token;
      at += surface.length;
      return surface;
    });
  }
}

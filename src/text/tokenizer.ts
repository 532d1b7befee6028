/** Part of a text, from the first of its UTF-16 code units to before the second. */
export type Span = readonly [number, number];

/**
 * Turns text into token ids and back: one side (or, shared, both sides) of a translation model.
 *
 * No text gives the ids of `<pad>`, `<s>` and `</s>`, not even one that contains these words; `decode` skips the special
 * symbols.
 * Encoding runs on the library's threads and is therefore asynchronous; decoding is not.
 */
export interface Tokenizer {
  /** Number of ids, the four special symbols included. */
  readonly vocabularySize: number;
  /** SHA-256 (hex) of the tokenizer.json file: names its content in caches and checkpoints. */
  readonly fingerprint: string;
  /** Settings of the tokenizer.json file that s2s does not follow, each with the reason; sentences that go after its name. */
  readonly notices: readonly string[];
  encode(text: string): Promise<number[]>;
  /** Encodes many sentences at once, on all cores. */
  encodeBatch(texts: readonly string[]): Promise<number[][]>;
  /** The tokens as strings, spaces and word boundaries visible as `▁`; unknown ones as they stand in the text. */
  tokenize(text: string): Promise<string[]>;
  tokenizeBatch(texts: readonly string[]): Promise<string[][]>;
  /** The part of a text, as it was before normalisation, that each of its tokens stands for. */
  spansOf(text: string): Promise<Span[]>;
  decode(ids: readonly number[]): string;
  /** Inverse of `tokenize` for text that normalisation leaves alone. */
  detokenize(tokens: readonly string[]): string;
  /** The token of an id as a string; throws RangeError outside the vocabulary. */
  tokenOf(id: number): string;
}

/** The tokenizers of both sides; the same object twice where the vocabulary is shared. */
export interface TokenizerPair {
  readonly source: Tokenizer;
  readonly target: Tokenizer;
}

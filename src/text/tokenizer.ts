/** Start (inclusive) and end (exclusive) offset in a text, in UTF-16 code units. */
export type Span = readonly [number, number];

/**
 * Converts text to token ids and back, for one side of a translation model or, if shared, both.
 *
 * Encoding never returns the ids of `<pad>`, `<s>` or `</s>`, even if the text contains these strings; `decode` skips
 * special tokens. Encoding runs on threads of the library and is therefore asynchronous; decoding is synchronous.
 */
export interface Tokenizer {
  /** Number of ids, the four special tokens included. */
  readonly vocabularySize: number;
  /** SHA-256 (hex) of the tokenizer.json file, which identifies it in caches and checkpoints. */
  readonly fingerprint: string;
  /** Settings of the tokenizer.json file that s2s ignores, with the reasons; messages to follow the file name. */
  readonly notices: readonly string[];
  encode(text: string): Promise<number[]>;
  /** Encodes many sentences in parallel. */
  encodeBatch(texts: readonly string[]): Promise<number[][]>;
  /** The tokens as strings, with spaces as `▁`; unknown tokens have their surface form. */
  tokenize(text: string): Promise<string[]>;
  tokenizeBatch(texts: readonly string[]): Promise<string[][]>;
  /** The offsets of each token in the text before normalisation. */
  spansOf(text: string): Promise<Span[]>;
  /** The text as the output of a model that writes it perfectly: after normalisation of Unicode, case and the like. */
  normalize(text: string): string;
  decode(ids: readonly number[]): string;
  /** Inverse of `tokenize`, up to normalisation. */
  detokenize(tokens: readonly string[]): string;
  /** The token of an id as a string. Throws RangeError for an id outside the vocabulary. */
  tokenOf(id: number): string;
}

/** The tokenizers of both sides: the same object if the vocabulary is shared. */
export interface TokenizerPair {
  readonly source: Tokenizer;
  readonly target: Tokenizer;
}

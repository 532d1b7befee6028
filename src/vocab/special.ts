/** The special symbols of every vocabulary, at fixed ids. */
export const SPECIAL_TOKENS = ['<pad>', '<unk>', '<s>', '</s>'] as const;

/** Padding: fills the short sentences of a batch, masked out everywhere. */
export const PAD = 0;
/** Stands for a token outside the vocabulary. */
export const UNK = 1;
/** Beginning of sentence: the decoder's first input. */
export const BOS = 2;
/** End of sentence: the last token of every encoded source and the last label of every target. */
export const EOS = 3;

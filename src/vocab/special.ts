/** The special tokens of every vocabulary; their ids are fixed. */
export const SPECIAL_TOKENS = ['<pad>', '<unk>', '<s>', '</s>'] as const;

/** Padding, masked everywhere. */
export const PAD = 0;
/** Unknown: replaces text outside the vocabulary. */
export const UNK = 1;
/** Beginning of sentence: the decoder's first input. */
export const BOS = 2;
/** End of sentence: the last token of every encoded source and the last label of every target. */
export const EOS = 3;

/**
 * A sentence for comparison with others: in NFC and lower case, with runs of white space as one space. Sentences that
 * differ only in these are the same text for a translation model that is to be scored on unseen text.
 */
export function comparableText(text: string): string {
  return text.normalize('NFC').toLowerCase().replace(/\s+/g, ' ').trim();
}

/** Sentences are identified in groups of about so many characters: single short ones are ambiguous. */
const GROUP_CHARACTERS = 300;
const MAX_GROUPS = 100;
/** Less text is not identified. */
const LEAST_CHARACTERS = 60;
/** Fraction of the groups that must agree. */
const LEAST_AGREEMENT = 0.6;

/**
 * Identifies the language of sentences, offline, with eld (60 languages; a similar language is returned for others).
 *
 * @returns ISO 639-1 code; undefined if the sentences are few, of several languages or of none
 */
export async function identifyLanguage(sentences: readonly string[]): Promise<string | undefined> {
  const { eld } = await import('eld/medium');
  const votes = new Map<string, number>();
  const groups = grouped(sentences);
  for (const group of groups) {
    const { language } = eld.detect(group);
    if (language !== '') votes.set(language, (votes.get(language) ?? 0) + 1);
  }
  const [best] = [...votes].sort(([, a], [, b]) => b - a);
  return best !== undefined && best[1] >= LEAST_AGREEMENT * groups.length ? best[0] : undefined;
}

function grouped(sentences: readonly string[]): string[] {
  const groups: string[] = [];
  let group = '';
  for (const sentence of sentences) {
    group += `${sentence}\n`;
    if (group.length < GROUP_CHARACTERS) continue;
    groups.push(group);
    group = '';
    if (groups.length === MAX_GROUPS) return groups;
  }
  return groups.length === 0 && group.length >= LEAST_CHARACTERS ? [group] : groups;
}

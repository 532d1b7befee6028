import { identifyLanguage } from './identify-language.js';
import { meaningOfName } from './column-names.js';
import { nameOfLanguage } from './language-names.js';
import type { Column, Layout, Sides } from './layout.js';

const EXAMPLES = 3;
const MAX_EXAMPLE_CHARACTERS = 100;
/** The least text of a column whose identified language is worth a warning. */
const LEAST_CHARACTERS = 2000;

/** Languages of the columns, by name and by identification, computed once for each column. */
export class ColumnLanguages {
  private readonly identified = new Map<Column, string | undefined>();

  /** The language that the name of a column says, else the identified one. */
  async languageOf(column: Column): Promise<string | undefined> {
    return this.namedLanguage(column) ?? (await this.identifiedLanguage(column));
  }

  /** Suspicions about the choice of columns, as sentences; none about little text, which is easily misidentified. */
  async warnings({ source, target }: { source: Column; target: Column }): Promise<string[]> {
    const warnings: string[] = [];
    if ([source, target].some(({ cells }) => cells.join('').length < LEAST_CHARACTERS)) return warnings;
    for (const column of [source, target]) {
      const named = this.namedLanguage(column);
      const found = await this.identifiedLanguage(column);
      if (named !== undefined && found !== undefined && named.slice(0, 2) !== found)
        warnings.push(`${column.name} contains text that looks like ${nameOfLanguage(found)}`);
    }
    const [first, second] = [await this.identifiedLanguage(source), await this.identifiedLanguage(target)];
    if (first !== undefined && first === second)
      warnings.push(`source and target both look like ${nameOfLanguage(first)}: are these the right columns?`);
    return warnings;
  }

  private namedLanguage({ name }: Column): string | undefined {
    return name === undefined ? undefined : meaningOfName(name)?.language;
  }

  private async identifiedLanguage(column: Column): Promise<string | undefined> {
    if (!this.identified.has(column)) this.identified.set(column, await identifyLanguage(column.cells));
    return this.identified.get(column);
  }
}

/** `column 1 (en)`, or the file of that side. */
export function describeColumn(layout: Layout, sides: Sides, side: 'source' | 'target'): string {
  if (layout.format === 'plain') return layout.corpusOf(sides)[side]!;
  const { name } = layout.columns[sides[side]]!;
  return `column ${sides[side] + 1}${name === undefined ? '' : ` (${name})`}`;
}

/** The first few pairs with text on both sides, as lines for a terminal. */
export function exampleLines({ columns }: Layout, { source, target }: Sides): string[] {
  const [sources, targets] = [columns[source]!.cells, columns[target]!.cells];
  return sources
    .flatMap((text, index) => {
      const other = targets[index] ?? '';
      return text.trim() === '' || other.trim() === '' ? [] : [[text, other] as const];
    })
    .slice(0, EXAMPLES)
    .flatMap(([text, other]) => [`  source: ${shorten(text)}`, `  target: ${shorten(other)}`]);
}

function shorten(text: string): string {
  const line = text.replace(/\p{C}+/gu, ' ');
  return line.length > MAX_EXAMPLE_CHARACTERS ? `${line.slice(0, MAX_EXAMPLE_CHARACTERS)}...` : line;
}

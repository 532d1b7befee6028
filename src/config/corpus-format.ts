import type { CorpusConfig } from './schema.js';

/** The format that a file's name tells, `.gz` aside; undefined where it tells none. */
export function formatOfName(file: string): CorpusConfig['format'] {
  const ending = /\.([a-z]+)(\.gz)?$/i.exec(file)?.[1]?.toLowerCase();
  if (ending === 'tsv' || ending === 'csv' || ending === 'jsonl') return ending;
  if (ending === 'ndjson') return 'jsonl';
  return ending === 'tab' ? 'tsv' : undefined;
}

/**
 * What a measurement prints, as far as it is compared: keys that only one of the programs prints may be missing.
 *
 * @typedef {{ system: string, device: string, target_tokens_per_second: number, sentences_per_second?: number, share_of_matmul_rate?: number, peak_resident_megabytes?: number }} Report
 */

/**
 * The table of a comparison, in Markdown. The ratio is that of the speeds in each round, so that what slows the machine for
 * a while slows both; of all rounds the median counts, with the lowest and the highest. Where everybody counts sentences, as
 * in translating, speed is shown in sentences, else in target tokens.
 *
 * @param {readonly { model: string, dtype: string, ours: readonly Report[], theirs: readonly Report[] }[]} jobs one report
 *   of each a round
 * @returns {string} ending in a line break
 */
export function comparisonTable(jobs) {
  const hasShare = jobs.some(({ ours }) => ours.some((report) => report.share_of_matmul_rate !== undefined));
  const sentences = jobs.every(({ ours, theirs }) =>
    [...ours, ...theirs].every((report) => report.sentences_per_second !== undefined),
  );
  const speed = (/** @type {Report} */ report) =>
    (sentences ? report.sentences_per_second : undefined) ?? report.target_tokens_per_second;
  const unit = sentences ? 'sentences/s' : 'target tokens/s';
  const header = [
    'model',
    'dtype',
    `s2s, ${unit}`,
    `PyTorch, ${unit}`,
    's2s / PyTorch (range)',
    ...(hasShare ? ['s2s, share of the matmul rate'] : []),
    'peak memory, s2s',
    'peak memory, PyTorch',
  ];
  const rows = jobs.map(({ model, dtype, ours, theirs }) => {
    const speeds = [ours, theirs].map((reports) => whole(median(reports.map(speed))));
    const ratios = ours.map(
      (report, round) => speed(report) / (theirs[round] === undefined ? NaN : speed(theirs[round])),
    );
    const ratio = `${median(ratios).toFixed(2)} (${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)})`;
    const shares = known(ours, 'share_of_matmul_rate');
    const share = shares.length === 0 ? 'unknown' : `${Math.round(100 * median(shares))} %`;
    return [model, dtype, ...speeds, ratio, ...(hasShare ? [share] : []), memory(ours), memory(theirs)];
  });
  return [header, header.map((_, column) => (column < 2 ? '---' : '---:')), ...rows]
    .map((cells) => `| ${cells.join(' | ')} |\n`)
    .join('');
}

/** @param {readonly Report[]} reports @param {'share_of_matmul_rate' | 'peak_resident_megabytes'} key @returns {number[]} */
function known(reports, key) {
  return reports.flatMap((report) => report[key] ?? []);
}

/** @param {readonly Report[]} reports */
function memory(reports) {
  const peaks = known(reports, 'peak_resident_megabytes');
  return peaks.length === 0 ? 'unknown' : `${whole(median(peaks))} MB`;
}

/** @param {readonly number[]} values */
function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return ((sorted[Math.ceil(middle) - 1] ?? NaN) + (sorted[Math.floor(middle)] ?? NaN)) / 2;
}

/** @param {number} value */
function whole(value) {
  return Math.round(value).toLocaleString('en-US');
}

/**
 * JSON output of one benchmark run.
 *
 * @typedef {object} Report
 * @property {string} system
 * @property {string} device
 * @property {number} target_tokens_per_second
 * @property {number} [sentences_per_second]
 * @property {number} [share_of_matmul_rate]
 * @property {number} [peak_resident_megabytes]
 */

/**
 * One model and dtype, with one report of each program per round.
 *
 * @typedef {{ model: string, dtype: string, ours: readonly Report[], theirs: readonly Report[] }} Job
 */

/**
 * Formats a comparison as a Markdown table. The ratio is the median, with minimum and maximum, of the ratios per round:
 * temporary slowdowns of the machine affect both programs of a round. Speed is in sentences per second if all reports
 * have it, as for decoding, else in target tokens per second.
 *
 * @param {readonly Job[]} jobs
 * @returns {string} with a final line feed
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
    const speeds = [ours, theirs].map((reports) => formatInteger(median(reports.map(speed))));
    const ratios = ours.map(
      (report, round) => speed(report) / (theirs[round] === undefined ? NaN : speed(theirs[round])),
    );
    const range = `${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)}`;
    const ratio = `${median(ratios).toFixed(2)} (${range})`;
    const shares = known(ours, 'share_of_matmul_rate');
    const share = shares.length === 0 ? 'unknown' : `${Math.round(100 * median(shares))} %`;
    return [model, dtype, ...speeds, ratio, ...(hasShare ? [share] : []), memory(ours), memory(theirs)];
  });
  return [header, header.map((_, column) => (column < 2 ? '---' : '---:')), ...rows]
    .map((cells) => `| ${cells.join(' | ')} |\n`)
    .join('');
}

/**
 * @param {readonly Report[]} reports
 * @param {'share_of_matmul_rate' | 'peak_resident_megabytes'} key
 * @returns {number[]}
 */
function known(reports, key) {
  return reports.flatMap((report) => report[key] ?? []);
}

/** @param {readonly Report[]} reports */
function memory(reports) {
  const peaks = known(reports, 'peak_resident_megabytes');
  return peaks.length === 0 ? 'unknown' : `${formatInteger(median(peaks))} MB`;
}

/** @param {readonly number[]} values */
function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return ((sorted[Math.ceil(middle) - 1] ?? NaN) + (sorted[Math.floor(middle)] ?? NaN)) / 2;
}

/** @param {number} value */
function formatInteger(value) {
  return Math.round(value).toLocaleString('en-US');
}

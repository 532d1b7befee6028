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
 * @property {number} [parameters]
 * @property {number} [beam_size]
 * @property {number} [mean_log_probability] of the best hypotheses of a trained model
 * @property {string} [note] printed below the table
 */

/**
 * One model and dtype.
 *
 * @typedef {object} Job
 * @property {string} model
 * @property {string} dtype
 * @property {Map<string, readonly Report[]>} reports by program, one report per round
 * @property {Set<string>} refused programs that do not do this work
 * @property {Map<string, string>} hypotheses of a trained model by program, one per line
 */

/**
 * Formats a comparison as a Markdown table. The ratio is the median, with minimum and maximum, of the ratios per round:
 * temporary slowdowns of the machine affect all programs of a round. Speed is in sentences per second if all reports
 * have it, as for decoding, else in target tokens per second.
 *
 * @param {readonly Pick<Job, 'model' | 'dtype' | 'reports'>[]} jobs
 * @param {readonly string[]} programs the first is compared with each of the others
 * @returns {string} with a final line feed
 */
export function comparisonTable(jobs, [own = '', ...peers]) {
  const programs = [own, ...peers];
  const all = jobs.flatMap(({ reports }) => [...reports.values()].flat());
  const hasShare = all.some((report) => report.share_of_matmul_rate !== undefined);
  const inSentences = all.every((report) => report.sentences_per_second !== undefined);
  const speed = (/** @type {Report} */ report) =>
    (inSentences ? report.sentences_per_second : undefined) ?? report.target_tokens_per_second;
  const unit = inSentences ? 'sentences/s' : 'target tokens/s';
  const header = [
    'model',
    'dtype',
    ...programs.map((name) => `${name}, ${unit}`),
    ...peers.map((name) => `${own} / ${name} (range)`),
    ...(hasShare ? [`${own}, share of the matmul rate`] : []),
    ...programs.map((name) => `peak memory, ${name}`),
  ];
  const rows = jobs.map(({ model, dtype, reports }) => {
    const of = (/** @type {string} */ name) => reports.get(name) ?? [];
    const speeds = programs.map((name) => formatMedian(of(name).map(speed)));
    const ratios = peers.map((name) => formatRatios(of(own).map(speed), of(name).map(speed)));
    const shares = known(of(own), 'share_of_matmul_rate').map((share) => 100 * share);
    const share = hasShare ? [shares.length === 0 ? 'unknown' : `${formatMedian(shares)} %`] : [];
    return [model, dtype, ...speeds, ...ratios, ...share, ...programs.map((name) => memory(of(name)))];
  });
  return [header, header.map((_, column) => (column < 2 ? '---' : '---:')), ...rows]
    .map((cells) => `| ${cells.join(' | ')} |\n`)
    .join('');
}

/**
 * What belongs below the table: sizes of models, whether trained models found the same translations, and notes.
 *
 * @param {readonly Job[]} jobs
 * @param {readonly string[]} programs
 * @returns {string[]}
 */
export function remarks(jobs, programs) {
  const perJob = jobs.flatMap((job) => [...sizes(job, programs), ...translations(job, programs)]);
  const notes = programs.flatMap((name) =>
    jobs.flatMap(({ reports }) => (reports.get(name) ?? []).flatMap(({ note }) => (note ? [`${name}: ${note}`] : []))),
  );
  return [...new Set([...perJob, ...notes])];
}

/** @param {Job} job @param {readonly string[]} programs */
function sizes({ model, reports }, programs) {
  const counts = programs.flatMap((name) => {
    const count = reports.get(name)?.[0]?.parameters;
    return count === undefined ? [] : [`${name} ${formatInteger(count)}`];
  });
  return counts.length === 0 ? [] : [`parameters of ${model}: ${counts.join(', ')}`];
}

/** @param {Job} job @param {readonly string[]} programs */
function translations({ model, dtype, reports, hypotheses }, programs) {
  const [own = '', ...peers] = programs;
  const means = programs.flatMap((name) => {
    const mean = reports.get(name)?.[0]?.mean_log_probability;
    return mean === undefined ? [] : [`${name} ${mean.toFixed(4)}`];
  });
  if (means.length === 0) return [];
  const ours = hypotheses.get(own) ?? '';
  const shares = peers.flatMap((name) => {
    const theirs = hypotheses.get(name);
    return theirs === undefined ? [] : [`${name} ${(100 * sameLines(ours, theirs)).toFixed(1)} %`];
  });
  const same = shares.length === 0 ? '' : `; hypotheses equal to those of ${own}: ${shares.join(', ')}`;
  return [`mean log-probability of the hypotheses of ${model}, ${dtype}: ${means.join(', ')}${same}`];
}

/**
 * Share of the lines of one text that are equal in the other.
 *
 * @param {string} one
 * @param {string} other
 */
export function sameLines(one, other) {
  const [lines, others] = [one, other].map((text) => text.split('\n').slice(0, -1));
  if (lines === undefined || others === undefined || lines.length !== others.length) return 0;
  return lines.filter((line, index) => line === others[index]).length / lines.length;
}

/**
 * Median and range of the quotients of each round.
 *
 * @param {readonly number[]} ours
 * @param {readonly number[]} theirs
 */
function formatRatios(ours, theirs) {
  if (theirs.length === 0) return '';
  const ratios = ours.map((speed, round) => speed / (theirs[round] ?? NaN));
  return `${median(ratios).toFixed(2)} (${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)})`;
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
  if (reports.length === 0) return '';
  return peaks.length === 0 ? 'unknown' : `${formatMedian(peaks)} MB`;
}

/** @param {readonly number[]} values the cell is empty without values */
function formatMedian(values) {
  return values.length === 0 ? '' : formatInteger(median(values));
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

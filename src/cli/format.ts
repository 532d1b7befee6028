/** `1 h 02 min`, `3 min 20 s`, `4.2 s` */
export function formatDuration(seconds: number): string {
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes} min ${String(whole % 60).padStart(2, '0')} s`;
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} min`;
}

/** `29,000` */
export function formatCount(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

/** `4.7 %` for 0.047 */
export function formatShare(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

/** `7.39`; in scientific notation from a million, since a perplexity can have 300 digits: `1.23e+9` */
export function formatPerplexity(perplexity: number): string {
  return perplexity < 1e6 ? perplexity.toFixed(2) : perplexity.toExponential(2);
}

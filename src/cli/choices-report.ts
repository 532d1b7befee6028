import { describeChoices, type Choice } from '../auto/choices.js';
import type { Log } from './log.js';

/**
 * Logs the settings that were `auto` with their values and reasons, one line for each value and reason.
 *
 * @param counted false if the training text is a pipe
 */
export function reportChoices(choices: readonly Choice[], counted: boolean, log: Log): void {
  if (!counted)
    log.warn('the training text is not in regular files and cannot be counted: auto settings suit 100,000 pairs');
  for (const line of describeChoices(choices)) log.info(line);
}

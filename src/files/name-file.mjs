/**
 * Names the file in an error of the system: those of open files name none, and others name a temporary file.
 *
 * @template E
 * @param {E} error other errors are not changed
 * @param {string} file
 * @returns {E}
 */
export function nameFile(error, file) {
  if (error instanceof Error && 'syscall' in error) {
    Object.assign(error, { path: file });
    delete (/** @type {{ dest?: string }} */ (/** @type {unknown} */ (error)).dest);
  }
  return error;
}

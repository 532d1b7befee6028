/** Why a setup step could not be done, and what the user can do about it. Becomes an S2sError in the command line. */
export class SetupError extends Error {
  /**
   * @param {string} code stable identifier: `no-compiler`
   * @param {string} message one sentence on what is wrong
   * @param {string} [hint] what to do
   * @param {unknown} [cause]
   */
  constructor(code, message, hint, cause) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'SetupError';
    this.code = code;
    this.hint = hint;
  }
}

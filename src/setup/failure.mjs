/** A failed setup step and its remedy. The command line converts it to an S2sError. */
export class SetupError extends Error {
  /**
   * @param {string} code stable identifier: `no-compiler`
   * @param {string} message what is wrong, in one sentence
   * @param {string} [hint] what the user can do
   * @param {unknown} [cause]
   */
  constructor(code, message, hint, cause) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'SetupError';
    this.code = code;
    this.hint = hint;
  }
}

import { SetupError } from './failure.mjs';
import { run } from './run.mjs';

/**
 * Python and the command that runs pip.
 * @typedef {object} Pip
 * @property {string} python the interpreter, which also extracts wheels
 * @property {readonly string[]} pip program and first arguments
 */

/**
 * Finds Python and pip. The environment variable `PYTHON` overrides the interpreter.
 *
 * @returns {Promise<Pip>}
 * @throws {SetupError} `no-python`, `no-pip`
 */
export async function findPip() {
  const candidates = [process.env['PYTHON'] ?? '', 'python3', 'python'].filter((name) => name !== '');
  let found;
  for (const python of candidates) {
    if ((await run(python, ['-c', 'import zipfile, sys; sys.exit(sys.version_info < (3, 6))'])).code !== 0) continue;
    found ??= python;
    if ((await run(python, ['-m', 'pip', '--version'])).code === 0) return { python, pip: [python, '-m', 'pip'] };
  }
  if (found === undefined) {
    throw new SetupError(
      'no-python',
      'python3 is needed to download TensorFlow, but was not found',
      `${install('python3 python3-pip', 'python3 python3-pip', 'python')}, then run the setup again.`,
    );
  }
  for (const pip of ['pip3', 'pip']) {
    if ((await run(pip, ['--version'])).code === 0) return { python: found, pip: [pip] };
  }
  throw new SetupError(
    'no-pip',
    'pip is needed to download TensorFlow, but was not found',
    `${install('python3-pip', 'python3-pip', 'python')}, then run the setup again.`,
  );
}

/**
 * Finds the C++ compiler: the environment variable `CXX`, else c++, g++ or clang++.
 *
 * @returns {Promise<readonly string[]>} program and first arguments
 * @throws {SetupError} `no-compiler`
 */
export async function findCompiler() {
  const own = process.env['CXX']?.trim();
  const candidates = own !== undefined && own !== '' ? [own.split(/\s+/)] : [['c++'], ['g++'], ['clang++']];
  for (const words of candidates) {
    const [program = '', ...args] = words;
    if ((await run(program, [...args, '--version'])).code === 0) return words;
  }
  const missing =
    own !== undefined && own !== ''
      ? `the C++ compiler in CXX, ${own}, does not run`
      : 'a C++ compiler is needed, but none of c++, g++, clang++ was found';
  throw new SetupError(
    'no-compiler',
    missing,
    `${install('g++', 'gcc-c++', undefined, 'xcode-select --install')}, or set CXX; then run the setup again.`,
  );
}

/**
 * Runs the compiler.
 *
 * @param {readonly string[]} compiler
 * @param {readonly string[]} args
 * @param {string} what name of the output in the error message
 * @throws {SetupError} `compilation-failed`
 */
export async function compile(compiler, args, what) {
  const [program = '', ...words] = compiler;
  const result = await run(program, [...words, ...args]);
  if (result.code === 0) return;
  throw new SetupError(
    'compilation-failed',
    `${what} could not be compiled by ${compiler.join(' ')}:\n${firstError(result.stderr)}`,
    'A compiler with C++17 is needed: g++ 9 or clang++ 10, or later. Set CXX to use another compiler.',
  );
}

/**
 * The first compiler error and the lines after it; later errors mostly follow from it.
 *
 * @param {string} text
 */
function firstError(text) {
  const lines = text.trim().split('\n');
  const first = Math.max(
    0,
    lines.findIndex((line) => /\berror\b/i.test(line)),
  );
  return lines.slice(first, first + 6).join('\n');
}

/**
 * The install command of this platform.
 *
 * @param {string} debian package names
 * @param {string} fedora
 * @param {string | undefined} homebrew
 * @param {string} [mac] complete command for macOS
 */
function install(debian, fedora, homebrew, mac = `brew install ${homebrew}`) {
  if (process.platform === 'darwin') return `Install it: ${mac}`;
  return `Install it: sudo apt-get install ${debian} (Debian, Ubuntu) or sudo dnf install ${fedora} (Fedora)`;
}

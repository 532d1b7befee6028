import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { onednnFolder, PACKAGE_ROOT, PLATFORM, tensorflowLibrary } from './layout.mjs';
import { instructionLimit, processorIdentity } from './hardware.mjs';

/**
 * A native addon and its compiler flags. All addons use Node-API, so one build works with every version of Node.
 * @typedef {object} Addon
 * @property {string} name
 * @property {string[]} sources C++ files
 * @property {string[]} headers files whose changes require recompilation
 * @property {boolean} cpuSpecific whether it is compiled with -march=native
 * @property {(folder: string) => string[]} compilerFlags takes the folder of the TensorFlow build
 * @property {(folder: string) => string[]} linkerFlags takes the folder of the TensorFlow build
 */

const require = createRequire(import.meta.url);

/** The version of @tensorflow/tfjs-node-gpu that s2s works with; package.json pins the same. */
export const TFJS_VERSION = '4.22.0';

/** Flags required by the headers of the wheel, from `tf.sysconfig.get_compile_flags()`. */
const TENSORFLOW_FLAGS = ['-std=c++17', '-D_GLIBCXX_USE_CXX11_ABI=1', '-DEIGEN_MAX_ALIGN_BYTES=64'];
const COMPILE_FLAGS = ['-fPIC'];
const LINK_FLAGS = process.platform === 'darwin' ? ['-bundle', '-undefined', 'dynamic_lookup'] : ['-shared'];
/** Library paths are relative to the addon, so that the cache folder can be moved. */
const ORIGIN = process.platform === 'darwin' ? '@loader_path' : '$ORIGIN';

/** Folder of @tensorflow/tfjs-node-gpu. @returns {string} */
export function tfjsFolder() {
  return dirname(require.resolve('@tensorflow/tfjs-node-gpu/package.json'));
}

/** Path of the prebuilt addon that tfjs-node's own installer downloads. */
export function prebuiltAddonFile() {
  return join(tfjsFolder(), 'lib', 'napi-v8', 'tfjs_binding.node');
}

/** The addon of tfjs-node, compiled from the sources in its package. @returns {Addon} */
export function tfjsAddon() {
  return {
    name: 'tfjs_binding',
    ...sourcesIn(join(tfjsFolder(), 'binding')),
    cpuSpecific: false,
    compilerFlags: (folder) => [
      '-O2',
      ...TENSORFLOW_FLAGS,
      ...nodeFlags(),
      `-I${join(folder, 'tensorflow', 'include')}`,
    ],
    linkerFlags: (folder) => [
      tensorflowLibrary(folder, 'cc'),
      tensorflowLibrary(folder, 'framework'),
      `-Wl,-rpath,${ORIGIN}/../tensorflow`,
    ],
  };
}

/** The addon that opens TensorFlow's libraries without their start-up log lines. @returns {Addon} */
export function quietAddon() {
  return {
    name: 'quiet_load',
    ...sourcesIn(join(PACKAGE_ROOT, 'src', 'runtime', 'native', 'loading')),
    cpuSpecific: false,
    compilerFlags: () => ['-O2', '-std=c++17', ...nodeFlags()],
    linkerFlags: () => (process.platform === 'darwin' ? [] : ['-ldl']),
  };
}

/** The addon with the custom ops, linked to oneDNN. @returns {Addon} */
export function opsAddon() {
  return {
    name: 's2s_ops',
    ...sourcesIn(join(PACKAGE_ROOT, 'src', 'runtime', 'native')),
    cpuSpecific: true,
    compilerFlags: (folder) => [
      '-O3',
      '-march=native',
      // Excludes all extensions of AVX-512, too.
      instructionLimit() === 'avx2' ? '-mno-avx512f' : '-mprefer-vector-width=512',
      '-fopenmp-simd',
      '-fno-math-errno',
      '-fno-trapping-math',
      ...TENSORFLOW_FLAGS,
      ...nodeFlags(),
      `-I${join(folder, 'tensorflow', 'include')}`,
      `-I${join(onednnFolder(), 'include')}`,
    ],
    linkerFlags: (folder) => [
      tensorflowLibrary(folder, 'framework'),
      join(onednnFolder(), 'lib', 'libdnnl.so.3'),
      `-Wl,-rpath,${ORIGIN}/../tensorflow`,
      `-Wl,-rpath,${ORIGIN}/../../${basename(onednnFolder())}/lib`,
    ],
  };
}

/**
 * Path of the compiled addon. Its name contains a hash of the sources, the flags and, if `cpuSpecific`, the processor,
 * so that different checkouts and machines can share one cache folder. The compiler is not part of the hash.
 *
 * @param {string} folder of the TensorFlow build
 * @param {Addon} addon
 * @returns {string}
 */
export function addonFile(folder, addon) {
  const hash = createHash('sha256');
  for (const path of [...addon.sources, ...addon.headers])
    hash.update(`${basename(path)}\0`).update(readFileSync(path));
  const flags = [...COMPILE_FLAGS, ...addon.compilerFlags(''), ...LINK_FLAGS, ...addon.linkerFlags('')];
  hash.update(JSON.stringify(flags.map((flag) => flag.replaceAll(onednnFolder(), '').replaceAll(nodeHeaders(), ''))));
  if (addon.cpuSpecific) hash.update(processorIdentity());
  return join(folder, 'addons', `${addon.name}-${hash.digest('hex').slice(0, 12)}.node`);
}

/**
 * Arguments of the C++ compiler: one call per source file, which can run in parallel, and one call that links the
 * objects.
 *
 * @param {string} folder of the TensorFlow build
 * @param {Addon} addon
 * @param {string} temporary folder for the objects
 * @param {string} output
 * @returns {{ objects: string[][], link: string[] }}
 */
export function compilerArguments(folder, addon, temporary, output) {
  const object = (/** @type {string} */ source) => join(temporary, `${basename(source)}.o`);
  return {
    objects: addon.sources.map((source) => [
      ...COMPILE_FLAGS,
      ...addon.compilerFlags(folder),
      '-c',
      source,
      '-o',
      object(source),
    ]),
    link: [...LINK_FLAGS, ...addon.sources.map(object), ...addon.linkerFlags(folder), '-o', output],
  };
}

/** Whether the custom ops support this platform. */
export function customOpsSupported() {
  return PLATFORM === 'linux-x64' && opsAddon().sources.length > 0;
}

/** @param {string} folder */
function sourcesIn(folder) {
  const names = readdirSync(folder).sort();
  const withEnding = (/** @type {string} */ ending) =>
    names.filter((name) => name.endsWith(ending)).map((name) => join(folder, name));
  return { sources: withEnding('.cc'), headers: withEnding('.h') };
}

/** @returns {string[]} */
function nodeFlags() {
  return ['-DNAPI_VERSION=8', `-I${nodeHeaders()}`];
}

/** Folder of the Node-API headers. @returns {string} */
function nodeHeaders() {
  return join(dirname(require.resolve('node-api-headers/package.json')), 'include');
}

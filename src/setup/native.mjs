import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { makeFolder, shareFolder } from '../files/make-folder.mjs';
import { moveIntoPlace, replaceFile } from '../files/replace.mjs';
import {
  addonFile,
  compilerArguments,
  opsAddon,
  customOpsSupported,
  prebuiltAddonFile,
  quietAddon,
  tfjsAddon,
  tfjsFolder,
} from './addons.mjs';
import { SetupError } from './failure.mjs';
import { checkSpace, downloadWheels, unpack } from './fetch.mjs';
import { cacheFolder, onednnFolder, PLATFORM, RECORD_FILE, tensorflowFolder } from './layout.mjs';
import { withLock } from './lock.mjs';
import { nvidiaGpuIsPresent } from './hardware.mjs';
import { lastLines, run } from './run.mjs';
import { compile, findCompiler, findPip } from './tools.mjs';
import { onednnWheels, TENSORFLOW_VERSION, tensorflowWheels } from './wheels.mjs';

/** @typedef {import('./wheels.mjs').Variant} Variant */
/** @typedef {import('./wheels.mjs').Wheel} Wheel */
/** @typedef {import('./fetch.mjs').Reporter} Reporter */

/**
 * Result of the setup.
 * @typedef {object} NativeSetup
 * @property {Variant | 'package'} variant
 * @property {string} folder
 * @property {boolean} changed whether anything was installed
 * @property {string | undefined} noOpsReason why the custom ops are missing; undefined if they are compiled
 */

/**
 * Installs TensorFlow and compiles the addons against it, unless that is already done. Files go to the user's cache
 * folder under temporary names and are renamed when complete, so that a run may be interrupted at any time. A lock file
 * excludes concurrent runs.
 *
 * @param {{ variant?: Variant, reporter: Reporter }} options `variant` is by default `preferredVariant`
 * @returns {Promise<NativeSetup>}
 * @throws {SetupError} with the remedy in its hint
 */
export async function setUpNative({ variant: asked, reporter }) {
  const variant = asked ?? preferredVariant();
  const folder = tensorflowFolder(variant);
  if (isInstalled(folder) && missingAddons(folder).length === 0)
    return { variant, folder, changed: false, noOpsReason: undefined };
  if (tensorflowWheels(variant, PLATFORM) === undefined && prebuiltAddonIsInstalled())
    return { variant: 'package', folder: tfjsFolder(), changed: false, noOpsReason: undefined };
  return withLock(join(cacheFolder(), 'setup.lock'), reporter.say, async () => {
    checkSystem();
    if (!isInstalled(folder)) {
      try {
        await installTensorFlow(variant, folder, reporter);
      } catch (error) {
        if (!(error instanceof SetupError) || (error.code !== 'download-failed' && error.code !== 'no-wheel'))
          throw error;
        return await runTfjsInstaller(variant, error, reporter);
      }
    }
    const compiler = await findCompiler();
    for (const addon of [tfjsAddon(), quietAddon()]) await buildAddon(folder, addon, compiler, reporter);
    return { variant, folder, changed: true, noOpsReason: await buildOps(folder, compiler, reporter) };
  });
}

/**
 * Compiles the custom ops and installs oneDNN for them. They only make training faster, so a failure is returned as a
 * reason instead of thrown.
 *
 * @param {string} folder of the TensorFlow build
 * @param {readonly string[]} compiler
 * @param {Reporter} reporter
 * @returns {Promise<string | undefined>} why the custom ops are missing; undefined on success
 */
export async function buildOps(folder, compiler, reporter) {
  if (!customOpsSupported()) return opsNotSupported();
  try {
    await installOneDnn(reporter);
    await buildAddon(folder, opsAddon(), compiler, reporter);
    return undefined;
  } catch (error) {
    if (error instanceof SetupError) return error.message;
    throw error;
  }
}

/** The default build: CUDA on a machine with an NVIDIA GPU, or if only that build is installed. @returns {Variant} */
export function preferredVariant() {
  if (process.platform === 'linux' && process.arch === 'x64' && nvidiaGpuIsPresent()) return 'cuda';
  return !isInstalled(tensorflowFolder('cpu')) && isInstalled(tensorflowFolder('cuda')) ? 'cuda' : 'cpu';
}

/** @param {string} folder */
function isInstalled(folder) {
  return existsSync(join(folder, RECORD_FILE));
}

/** @param {string} folder */
function missingAddons(folder) {
  return [tfjsAddon(), quietAddon(), ...(customOpsSupported() ? [opsAddon()] : [])].filter(
    (addon) => !existsSync(addonFile(folder, addon)),
  );
}

/** Whether tfjs-node's own installer has downloaded its addon. */
function prebuiltAddonIsInstalled() {
  return existsSync(prebuiltAddonFile());
}

function opsNotSupported() {
  return `the custom ops do not support ${PLATFORM}`;
}

/** @throws {SetupError} `system-not-supported` */
function checkSystem() {
  if (process.platform !== 'linux') return;
  const { header } = /** @type {{ header: { glibcVersionRuntime?: string } }} */ (process.report.getReport());
  if (header.glibcVersionRuntime === undefined)
    throw new SetupError(
      'system-not-supported',
      'TensorFlow needs the GNU C library (glibc), and this system has another one, such as musl on Alpine',
      'Use a Debian or Ubuntu image, such as node:22-bookworm.',
    );
}

/**
 * @param {Variant} variant
 * @param {string} folder
 * @param {Reporter} reporter
 */
async function installTensorFlow(variant, folder, reporter) {
  const wheels = tensorflowWheels(variant, PLATFORM);
  if (wheels === undefined)
    throw new SetupError(
      'no-wheel',
      `pip has no TensorFlow ${TENSORFLOW_VERSION} ${variant === 'cuda' ? 'with CUDA ' : ''}for ${PLATFORM}`,
    );
  // Libraries and headers of TensorFlow; from NVIDIA's packages only what is used at run time.
  const pattern = String.raw`tensorflow/(libtensorflow_(cc|framework)\.|include/)|nvidia/(?!.*(/include/|\.a$))`;
  await installWheels(wheels, folder, pattern, reporter, {
    version: TENSORFLOW_VERSION,
    variant,
    origin: originOf(wheels),
  });
}

/**
 * @param {readonly Wheel[]} wheels TensorFlow first
 * @returns {string}
 */
function originOf([main, ...cudaLibraries]) {
  const suffix = cudaLibraries.length > 0 ? ' with CUDA libraries' : '';
  return `pip: ${main?.name} ${main?.version}${suffix}`;
}

/** @param {Reporter} reporter */
async function installOneDnn(reporter) {
  const folder = onednnFolder();
  const wheels = onednnWheels(PLATFORM);
  if (wheels === undefined || isInstalled(folder)) return;
  await installWheels(
    wheels,
    folder,
    String.raw`(?P<strip>[^/]*\.data/data/)(include/|lib/libdnnl\.so\.3$)`,
    reporter,
    { origin: 'pip' },
  );
}

/**
 * @param {readonly Wheel[]} wheels
 * @param {string} folder
 * @param {string} pattern members to extract
 * @param {Reporter} reporter
 * @param {object} record
 */
async function installWheels(wheels, folder, pattern, reporter, record) {
  const downloads = join(dirname(folder), 'downloads');
  makeFolder(downloads);
  removeLeftovers(downloads, 'partial-');
  removeLeftovers(dirname(folder), 'unpacking-');
  const pip = await findPip();
  // The extracted files are about three times as large as the wheels.
  checkSpace(downloads, 4 * wheels.reduce((sum, { megabytes }) => sum + megabytes, 0));
  const files = await downloadWheels(pip, wheels, PLATFORM, downloads, reporter);
  const temporary = mkdtempSync(join(dirname(folder), 'unpacking-'));
  try {
    for (const [index, file] of files.entries()) {
      reporter.say(`extracting ${basename(file)}${files.length > 1 ? ` (${index + 1} of ${files.length})` : ''}`);
      await unpack(pip.python, file, temporary, pattern);
    }
    await replaceFile(join(temporary, RECORD_FILE), `${JSON.stringify(record, null, 2)}\n`);
    rmSync(folder, { recursive: true, force: true });
    shareFolder(temporary);
    await moveIntoPlace(temporary, folder);
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
  for (const file of files) rmSync(file, { force: true });
  // The Python process of a killed run may have continued extracting.
  removeLeftovers(dirname(folder), 'unpacking-');
}

/**
 * Removes temporary files of killed runs. The lock is held, so no other process uses them.
 *
 * @param {string} folder
 * @param {string} prefix
 */
function removeLeftovers(folder, prefix) {
  for (const name of readdirSync(folder))
    if (name.startsWith(prefix)) rmSync(join(folder, name), { recursive: true, force: true });
}

/**
 * @param {string} folder of the TensorFlow build
 * @param {import('./addons.mjs').Addon} addon
 * @param {readonly string[]} compiler
 * @param {Reporter} reporter
 */
async function buildAddon(folder, addon, compiler, reporter) {
  const file = addonFile(folder, addon);
  if (existsSync(file)) return;
  makeFolder(dirname(file));
  reporter.say(`compiling ${addon.name}`);
  const temporary = mkdtempSync(join(dirname(file), 'compiling-'));
  try {
    const output = join(temporary, basename(file));
    const { objects, link } = compilerArguments(folder, addon, temporary, output);
    await inParallel(objects, (args) => compile(compiler, args, addon.name));
    await compile(compiler, link, addon.name);
    await moveIntoPlace(output, file);
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

/**
 * Applies `work` to every item, in parallel on all CPU cores.
 *
 * @template T
 * @param {readonly T[]} items
 * @param {(item: T) => Promise<void>} work
 */
async function inParallel(items, work) {
  const left = [...items];
  const worker = async () => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: Math.min(items.length, availableParallelism()) }, worker));
}

/**
 * Runs the installer of @tensorflow/tfjs-node-gpu, which downloads an older library into the folder of that package.
 *
 * @param {Variant} variant
 * @param {SetupError} reason why pip could not install TensorFlow
 * @param {Reporter} reporter
 * @returns {Promise<NativeSetup>}
 */
async function runTfjsInstaller(variant, reason, reporter) {
  const folder = tfjsFolder();
  const setup = {
    variant: /** @type {const} */ ('package'),
    folder,
    changed: true,
    noOpsReason: "the library of tfjs-node's own installer does not support them",
  };
  if (prebuiltAddonIsInstalled()) return { ...setup, changed: false };
  reporter.say(reason.message);
  reporter.say('trying the installer of @tensorflow/tfjs-node-gpu, which downloads an older TensorFlow');
  /** @type {{ version: string }} */
  const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const result = await run(process.execPath, ['scripts/install.js', variant === 'cuda' ? 'gpu' : 'cpu', 'download'], {
    cwd: folder,
  });
  if (result.code === 0 && prebuiltAddonIsInstalled()) return setup;
  throw new SetupError(
    'no-native-library',
    `${reason.message}\nThe installer of tfjs-node-gpu ${version} failed too:\n${lastLines(result, 4)}`,
    reason.hint,
    reason,
  );
}

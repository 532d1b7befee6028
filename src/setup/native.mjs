import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { moveIntoPlace, replaceFile } from '../files/replace.mjs';
import {
  addonFile,
  compilerArguments,
  opsAddon,
  opsAreOffered,
  ownAddonFile,
  quietAddon,
  tfjsAddon,
  tfjsFolder,
} from './addons.mjs';
import { SetupError } from './failure.mjs';
import { checkSpace, downloadWheels, unpack } from './fetch.mjs';
import { cacheFolder, onednnFolder, PLATFORM, RECORD_FILE, tensorflowFolder } from './layout.mjs';
import { withLock } from './lock.mjs';
import { nvidiaGpuIsPresent } from './nvidia.mjs';
import { lastLines, run } from './run.mjs';
import { compile, findCompiler, findPip } from './tools.mjs';
import { onednnWheels, TENSORFLOW_VERSION, tensorflowWheels } from './wheels.mjs';

/** @typedef {import('./wheels.mjs').Variant} Variant */
/** @typedef {import('./wheels.mjs').Wheel} Wheel */
/** @typedef {import('./fetch.mjs').Reporter} Reporter */

/**
 * What the setup left.
 * @typedef {object} NativeSetup
 * @property {Variant | 'package'} variant
 * @property {string} folder
 * @property {boolean} changed whether there was anything to do
 * @property {string | undefined} withoutOps why no custom ops were compiled
 */

/**
 * Installs TensorFlow and compiles the addons against it, as far as that has not been done: downloads into the user's
 * cache folder, unpacks and compiles beside the final name and renames, so that a run can be cut off anywhere, and two
 * can run at once.
 *
 * @param {{ variant?: Variant, reporter: Reporter }} options without `variant` the build with CUDA is taken where an NVIDIA
 *   GPU is
 * @returns {Promise<NativeSetup>}
 * @throws {SetupError} with what to install or do
 */
export async function setUpNative({ variant: asked, reporter }) {
  const variant = asked ?? preferredVariant();
  const folder = tensorflowFolder(variant);
  if (isInstalled(folder) && missingAddons(folder).length === 0)
    return { variant, folder, changed: false, withoutOps: undefined };
  if (tensorflowWheels(variant, PLATFORM) === undefined && ownAddonIsInstalled())
    return { variant: 'package', folder: tfjsFolder(), changed: false, withoutOps: undefined };
  return withLock(join(cacheFolder(), 'setup.lock'), reporter.say, async () => {
    checkSystem();
    if (!isInstalled(folder)) {
      try {
        await installTensorFlow(variant, folder, reporter);
      } catch (error) {
        if (!(error instanceof SetupError) || (error.code !== 'download-failed' && error.code !== 'no-wheel'))
          throw error;
        return await runOwnInstaller(variant, error, reporter);
      }
    }
    const compiler = await findCompiler();
    for (const addon of [tfjsAddon(), quietAddon()]) await buildAddon(folder, addon, compiler, reporter);
    return { variant, folder, changed: true, withoutOps: await buildOps(folder, compiler, reporter) };
  });
}

/**
 * Compiles the custom ops, with oneDNN, which is downloaded first where it is missing. They make training faster and
 * change nothing else, so a failure is returned as a reason and thrown nowhere.
 *
 * @param {string} folder of the TensorFlow build
 * @param {readonly string[]} compiler
 * @param {Reporter} reporter
 * @returns {Promise<string | undefined>} why there are none
 */
export async function buildOps(folder, compiler, reporter) {
  if (!opsAreOffered()) return noOpsHere();
  try {
    await installOneDnn(reporter);
    await buildAddon(folder, opsAddon(), compiler, reporter);
    return undefined;
  } catch (error) {
    if (error instanceof SetupError) return error.message;
    throw error;
  }
}

/** The build to install when nobody asks for one: what suits the machine, or what is there and suits it too. @returns {Variant} */
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
  return [tfjsAddon(), quietAddon(), ...(opsAreOffered() ? [opsAddon()] : [])].filter(
    (addon) => !existsSync(addonFile(folder, addon)),
  );
}

/** Whether tfjs's own installer has put its addon into its package. */
function ownAddonIsInstalled() {
  return existsSync(ownAddonFile());
}

function noOpsHere() {
  return `there are none for ${PLATFORM}`;
}

/** @throws {SetupError} `system-not-supported` */
function checkSystem() {
  if (process.platform !== 'linux') return;
  const { header } = /** @type {{ header: { glibcVersionRuntime?: string } }} */ (process.report.getReport());
  if (header.glibcVersionRuntime === undefined)
    throw new SetupError(
      'system-not-supported',
      'TensorFlow needs the GNU C library, and this system has another one (Alpine has musl)',
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
  // Libraries and headers; of NVIDIA's packages what is used at run time.
  const pattern = String.raw`tensorflow/(libtensorflow_(cc|framework)\.|include/)|nvidia/(?!.*(/include/|\.a$))`;
  await installWheels(wheels, folder, pattern, reporter, {
    version: TENSORFLOW_VERSION,
    variant,
    origin: `pip: ${wheels
      .map(({ name, version }) => `${name} ${version}`)
      .slice(0, 1)
      .join('')}${wheels.length > 1 ? ` with CUDA libraries` : ''}`,
  });
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
 * @param {string} pattern what to unpack
 * @param {Reporter} reporter
 * @param {object} record
 */
async function installWheels(wheels, folder, pattern, reporter, record) {
  const downloads = join(dirname(folder), 'downloads');
  mkdirSync(downloads, { recursive: true });
  removeLeftovers(downloads, 'partial-');
  removeLeftovers(dirname(folder), 'unpacking-');
  const pip = await findPip();
  // Unpacked, the files are some three times as large as the wheels.
  checkSpace(downloads, 4 * wheels.reduce((sum, { megabytes }) => sum + megabytes, 0));
  const files = await downloadWheels(pip, wheels, PLATFORM, downloads, reporter);
  const temporary = mkdtempSync(join(dirname(folder), 'unpacking-'));
  try {
    for (const [index, file] of files.entries()) {
      reporter.say(`unpacking ${basename(file)}${files.length > 1 ? ` (${index + 1} of ${files.length})` : ''}`);
      await unpack(pip.python, file, temporary, pattern);
    }
    await replaceFile(join(temporary, RECORD_FILE), `${JSON.stringify(record, null, 2)}\n`);
    rmSync(folder, { recursive: true, force: true });
    await moveIntoPlace(temporary, folder);
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
  for (const file of files) rmSync(file, { force: true });
  // A run that was killed may have left a Python behind, unpacking to the end.
  removeLeftovers(dirname(folder), 'unpacking-');
}

/**
 * What a run left behind that was killed; the lock is held, so it is nobody's.
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
  mkdirSync(dirname(file), { recursive: true });
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
 * Does something with every item, as many at once as there are processor cores.
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
 * Lets @tensorflow/tfjs-node-gpu install the older library that it comes with, into its own folder.
 *
 * @param {Variant} variant
 * @param {SetupError} reason why pip could not serve
 * @param {Reporter} reporter
 * @returns {Promise<NativeSetup>}
 */
async function runOwnInstaller(variant, reason, reporter) {
  const folder = tfjsFolder();
  const setup = {
    variant: /** @type {const} */ ('package'),
    folder,
    changed: true,
    withoutOps: "there are none for the library of tfjs's own installer",
  };
  if (ownAddonIsInstalled()) return { ...setup, changed: false };
  reporter.say(reason.message);
  reporter.say('trying the installer of @tensorflow/tfjs-node-gpu, which downloads an older TensorFlow');
  /** @type {{ version: string }} */
  const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const result = await run(process.execPath, ['scripts/install.js', variant === 'cuda' ? 'gpu' : 'cpu', 'download'], {
    cwd: folder,
  });
  if (result.code === 0 && ownAddonIsInstalled()) return setup;
  throw new SetupError(
    'no-native-library',
    `${reason.message}\nThe installer of tfjs-node-gpu ${version} failed too:\n${lastLines(result, 4)}`,
    reason.hint,
    reason,
  );
}

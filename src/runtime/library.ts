import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { S2sError } from '../errors.js';
import {
  addonFile,
  opsAddon,
  customOpsSupported,
  prebuiltAddonFile,
  quietAddon,
  tfjsAddon,
  tfjsFolder,
} from '../setup/addons.mjs';
import { cacheFolder, RECORD_FILE, tensorflowFolder, tensorflowLibrary } from '../setup/layout.mjs';
import { shellQuote } from '../shell-quote.js';
import { gpuIsVisible } from './visible-gpus.js';

export { cacheFolder } from '../setup/layout.mjs';

/** The builds of the native library that s2s installs: CPU only, or with CUDA. */
export type Variant = 'cpu' | 'cuda';

/** An installed native library. */
export interface InstalledLibrary {
  /** `package` for the older library that tfjs-node's own installer downloads. */
  readonly variant: Variant | 'package';
  readonly version: string;
  /** Human-readable source: `pip: tensorflow-cpu 2.21.0`. */
  readonly origin: string;
  readonly directory: string;
  /** Path of tfjs-node's addon, linked to this library. */
  readonly addon: string;
  /** Path of the addon with the custom ops; undefined if it is not compiled for these sources and this processor. */
  readonly customOps: string | undefined;
  /** Path of the addon that opens a library without its start-up log lines. */
  readonly quietLoad: string | undefined;
  /** Path of the shared library that `quietLoad` opens. */
  readonly sharedObject: string | undefined;
}

/** The record that `s2s setup` writes into the folder of a completely installed library. */
interface LibraryRecord {
  readonly version: string;
  readonly origin: string;
}

/**
 * A completely installed build in the cache folder, or undefined.
 *
 * @throws S2sError `cache-unreadable` if the cache belongs to another user, who does not share it
 */
export function installedLibrary(variant: Variant): InstalledLibrary | undefined {
  const directory = tensorflowFolder(variant);
  const recordFile = join(directory, RECORD_FILE);
  assertMayBeRead(recordFile);
  if (!existsSync(recordFile)) return undefined;
  const addon = addonFile(directory, tfjsAddon());
  if (!existsSync(addon)) return undefined;
  assertMayBeRead(addon);
  const { version, origin } = JSON.parse(readFileSync(recordFile, 'utf8')) as LibraryRecord;
  return {
    variant,
    version,
    origin,
    directory,
    addon,
    customOps: customOpsSupported() ? ifExists(addonFile(directory, opsAddon())) : undefined,
    quietLoad: ifExists(addonFile(directory, quietAddon())),
    sharedObject: tensorflowLibrary(directory, 'cc'),
  };
}

/**
 * Chooses the library to load. Prefers the CUDA build when a GPU is requested or visible, the CPU build otherwise.
 * Falls back to the other build, then to the library that tfjs-node's own installer downloaded.
 *
 * @param device `auto`, `cpu`, `gpu` or `gpu:N`
 * @throws S2sError `no-native-library` when none is installed
 */
export function chooseLibrary(device: string): InstalledLibrary {
  const withCuda = device !== 'cpu' && (device !== 'auto' || gpuIsVisible());
  const found = withCuda
    ? (installedLibrary('cuda') ?? installedLibrary('cpu'))
    : (installedLibrary('cpu') ?? installedLibrary('cuda'));
  if (found !== undefined) return found;
  const prebuilt = prebuiltAddonFile();
  if (existsSync(prebuilt)) {
    return {
      variant: 'package',
      version: 'unknown',
      origin: "@tensorflow/tfjs-node-gpu's own installer",
      directory: tfjsFolder(),
      addon: prebuilt,
      customOps: undefined,
      quietLoad: undefined,
      sharedObject: undefined,
    };
  }
  throw new S2sError('no-native-library', 'TensorFlow is not installed yet', {
    hint: 'Run once: s2s setup (in a checkout: npm run setup)',
  });
}

/** A folder that may not be read looks as if the library were not installed. */
function assertMayBeRead(file: string): void {
  try {
    closeSync(openSync(file, 'r'));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'EACCES' && code !== 'EPERM') return;
    throw new S2sError('cache-unreadable', 'TensorFlow in this cache may not be read (permission denied)', {
      place: { file },
      hint:
        `The owner can share it: chmod -R a+rX ${shellQuote(cacheFolder())}. ` +
        'Or set S2S_CACHE to a folder of your own, and run once: s2s setup.',
      cause: error,
    });
  }
}

function ifExists(path: string): string | undefined {
  return existsSync(path) ? path : undefined;
}

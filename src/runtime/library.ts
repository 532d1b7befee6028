import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { S2sError } from '../errors.js';
import {
  addonFile,
  opsAddon,
  opsAreOffered,
  ownAddonFile,
  quietAddon,
  tfjsAddon,
  tfjsFolder,
} from '../setup/addons.mjs';
import { RECORD_FILE, tensorflowFolder, tensorflowLibrary } from '../setup/layout.mjs';
import { gpuIsVisible } from './visible-gpus.js';

export { cacheFolder } from '../setup/layout.mjs';

/** Builds of the native library that s2s installs: for the CPU alone, or with CUDA. */
export type Variant = 'cpu' | 'cuda';

/** An installed native library. */
export interface InstalledLibrary {
  /** `package` for the library of tfjs's own installer. */
  readonly variant: Variant | 'package';
  readonly version: string;
  /** Where it came from, for people: `pip: tensorflow-cpu 2.21.0`. */
  readonly origin: string;
  readonly directory: string;
  /** tfjs's addon, linked to it. */
  readonly addon: string;
  /** Addon with the custom ops; undefined where there is none for these sources and this processor. */
  readonly customOps: string | undefined;
  /** Addon that opens a library without its start-up lines. */
  readonly quietLoad: string | undefined;
  /** The library itself, for that addon. */
  readonly sharedObject: string | undefined;
}

/** What `s2s setup` notes in a library's folder when it is complete. */
interface LibraryRecord {
  readonly version: string;
  readonly origin: string;
}

/** A build of the library in the cache folder, if `s2s setup` has finished it. */
export function installedLibrary(variant: Variant): InstalledLibrary | undefined {
  const directory = tensorflowFolder(variant);
  const recordFile = join(directory, RECORD_FILE);
  if (!existsSync(recordFile)) return undefined;
  const addon = addonFile(directory, tfjsAddon());
  if (!existsSync(addon)) return undefined;
  const { version, origin } = JSON.parse(readFileSync(recordFile, 'utf8')) as LibraryRecord;
  return {
    variant,
    version,
    origin,
    directory,
    addon,
    customOps: opsAreOffered() ? ifThere(addonFile(directory, opsAddon())) : undefined,
    quietLoad: ifThere(addonFile(directory, quietAddon())),
    sharedObject: tensorflowLibrary(directory, 'cc'),
  };
}

/**
 * The library to load: the build with CUDA where a GPU is visible and the CPU was not asked for, else the one for the CPU, else
 * the other of the two, else what tfjs's own installer has put into its package.
 *
 * @param device `auto`, `cpu`, `gpu` or `gpu:N`
 * @throws S2sError `no-native-library` when there is none
 */
export function chooseLibrary(device: string): InstalledLibrary {
  const withCuda = device !== 'cpu' && (device !== 'auto' || gpuIsVisible());
  const found = withCuda
    ? (installedLibrary('cuda') ?? installedLibrary('cpu'))
    : (installedLibrary('cpu') ?? installedLibrary('cuda'));
  if (found !== undefined) return found;
  const own = ownAddonFile();
  if (existsSync(own)) {
    return {
      variant: 'package',
      version: 'unknown',
      origin: "@tensorflow/tfjs-node-gpu's own installer",
      directory: tfjsFolder(),
      addon: own,
      customOps: undefined,
      quietLoad: undefined,
      sharedObject: undefined,
    };
  }
  throw new S2sError('no-native-library', 'TensorFlow is not installed yet', {
    hint: 'Run once: s2s setup (in a checkout: npm run setup)',
  });
}

function ifThere(path: string): string | undefined {
  return existsSync(path) ? path : undefined;
}

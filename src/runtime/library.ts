import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { S2sError } from '../errors.js';

/** The TensorFlow that s2s is built and tested with: pinned here and nowhere else. */
export const TENSORFLOW_VERSION = '2.21.0';

/** Builds of the native library: for the CPU alone, or with CUDA. */
export type Variant = 'cpu' | 'cuda';

/** An installed native library. */
export interface InstalledLibrary {
  readonly variant: Variant | 'package';
  readonly version: string;
  /** Where it came from, for people: `pip wheel tensorflow_cpu-2.21.0-...`. */
  readonly origin: string;
  readonly directory: string;
  /** tfjs's addon, linked to it. */
  readonly addon: string;
  /** Addon with custom ops; undefined where none could be compiled. */
  readonly customOps: string | undefined;
  /** Addon that mutes stderr while TensorFlow starts; undefined where none could be compiled. */
  readonly mute: string | undefined;
}

/** What `s2s setup` notes in a library's folder when it is complete. */
export interface LibraryRecord {
  readonly version: string;
  readonly variant: Variant;
  readonly origin: string;
}

/** Name of the record; a folder without it is not finished. */
export const RECORD_FILE = 'installed.json';

/** The user's cache folder for native libraries, shared by all checkouts and outside node_modules: `S2S_CACHE` moves it. */
export function cacheFolder(environment: NodeJS.ProcessEnv = process.env, platform: NodeJS.Platform = process.platform): string {
  const { S2S_CACHE: own, XDG_CACHE_HOME: xdg } = environment;
  if (own !== undefined && own !== '') return own;
  if (xdg !== undefined && xdg !== '') return join(xdg, 's2s');
  return platform === 'darwin' ? join(homedir(), 'Library', 'Caches', 's2s') : join(homedir(), '.cache', 's2s');
}

/** Folder of a build of the library. */
export function libraryFolder(variant: Variant, cache = cacheFolder()): string {
  return join(cache, `tensorflow-${TENSORFLOW_VERSION}-${variant}-${process.platform}-${process.arch}`);
}

/** Names of what is compiled into a library's folder. */
export const COMPILED = { addon: 'tfjs_binding.node', customOps: 's2s_ops.node', mute: 'mute.node' } as const;

/** A library in the cache folder, if `s2s setup` has finished it. */
export function installedLibrary(variant: Variant): InstalledLibrary | undefined {
  const directory = libraryFolder(variant);
  const addon = join(directory, COMPILED.addon);
  if (!existsSync(addon)) return undefined;
  let record: LibraryRecord;
  try {
    record = JSON.parse(readFileSync(join(directory, RECORD_FILE), 'utf8')) as LibraryRecord;
  } catch {
    return undefined;
  }
  const optional = (name: string): string | undefined => (existsSync(join(directory, name)) ? join(directory, name) : undefined);
  return { variant, version: record.version, origin: record.origin, directory, addon, customOps: optional(COMPILED.customOps), mute: optional(COMPILED.mute) };
}

/**
 * The library to load: the CUDA build where it is installed and the CPU was not asked for, else the CPU build, else
 * what tfjs's own installer has put into its package.
 *
 * @param packageFolder of @tensorflow/tfjs-node-gpu
 * @throws S2sError `no-native-library` when there is none
 */
export function chooseLibrary(device: string, packageFolder: string): InstalledLibrary {
  const order: readonly Variant[] = device === 'cpu' ? ['cpu', 'cuda'] : ['cuda', 'cpu'];
  for (const variant of order) {
    const found = installedLibrary(variant);
    if (found !== undefined) return found;
  }
  const own = join(packageFolder, 'lib', 'napi-v8', COMPILED.addon);
  if (existsSync(own)) {
    return { variant: 'package', version: 'of the package', origin: "@tensorflow/tfjs-node-gpu's own installer", directory: packageFolder, addon: own, customOps: undefined, mute: undefined };
  }
  throw new S2sError('no-native-library', 'the native TensorFlow library is not installed', { hint: 'Run once: s2s setup (in a checkout: npm run setup)' });
}

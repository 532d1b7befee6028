import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { InstalledLibrary } from './library.js';

/** Libraries that the CUDA build of TensorFlow opens with dlopen when it initialises GPUs. */
const REQUIRED = [
  'libcudart.so.12',
  'libcublas.so.12',
  'libcublasLt.so.12',
  'libcufft.so.11',
  'libcusolver.so.11',
  'libcusparse.so.12',
  'libcudnn.so.9',
  'libnccl.so.2',
];

/** Required CUDA libraries that are missing from the folder of a CUDA build; empty for other builds. */
export function missingCudaLibraries({
  variant,
  directory,
}: Pick<InstalledLibrary, 'variant' | 'directory'>): string[] {
  if (variant !== 'cuda') return [];
  const root = join(directory, 'nvidia');
  const folders = existsSync(root) ? readdirSync(root).map((name) => join(root, name, 'lib')) : [];
  return REQUIRED.filter((name) => !folders.some((folder) => existsSync(join(folder, name))));
}

import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { InstalledLibrary } from './library.js';

/** What the CUDA build of TensorFlow opens when it looks for GPUs. */
const NEEDED = [
  'libcudart.so.12',
  'libcublas.so.12',
  'libcublasLt.so.12',
  'libcufft.so.11',
  'libcusolver.so.11',
  'libcusparse.so.12',
  'libcudnn.so.9',
  'libnccl.so.2',
];

/** CUDA libraries that are missing from the folder of the CUDA build; none for another build. */
export function missingCudaLibraries({
  variant,
  directory,
}: Pick<InstalledLibrary, 'variant' | 'directory'>): string[] {
  if (variant !== 'cuda') return [];
  const root = join(directory, 'nvidia');
  const folders = existsSync(root) ? readdirSync(root).map((name) => join(root, name, 'lib')) : [];
  return NEEDED.filter((name) => !folders.some((folder) => existsSync(join(folder, name))));
}

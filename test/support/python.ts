import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** Programs in Python that s2s is compared with: module, virtual environment, variable that names another Python. */
const PACKAGES = {
  PyTorch: { module: 'torch', environment: '.venv', variable: 'S2S_PYTHON' },
  pymarian: { module: 'pymarian', environment: '.venv-pymarian', variable: 'S2S_PYMARIAN_PYTHON' },
  CTranslate2: { module: 'ctranslate2', environment: '.venv-ctranslate2', variable: 'S2S_CTRANSLATE2_PYTHON' },
} as const;

/**
 * Finds a Python with a package: that of the environment variable, else of the virtual environment in the project, else
 * `python3`.
 *
 * @returns its path and the version of the package, or the reason why there is none
 * @throws Error if the variable is set but its Python lacks the package: a comparison must then not be skipped silently
 */
export function findPython(name: keyof typeof PACKAGES): { python: string; version: string } | { missing: string } {
  const { module, environment, variable } = PACKAGES[name];
  const local = join(environment, process.platform === 'win32' ? 'Scripts/python.exe' : 'bin/python');
  const named = process.env[variable];
  const python = named ?? (existsSync(local) ? local : 'python3');
  const { status, stdout, stderr, error } = spawnSync(
    python,
    ['-c', `import ${module}; print(${module}.__version__)`],
    {
      encoding: 'utf8',
    },
  );
  if (status === 0) return { python, version: stdout.trim() };
  const reason = error?.message ?? stderr.trim().split('\n').at(-1);
  const missing = `${python} has no ${name} (${reason}); set ${variable} to a Python that has it`;
  if (named !== undefined) throw new Error(missing);
  return { missing };
}

import eslint from '@eslint/js';
import { defineConfig } from 'eslint/config';
import tseslint from 'typescript-eslint';

export default defineConfig(
  { ignores: ['dist/', 'runs/', 'node_modules/', '.venv/'] },
  eslint.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { projectService: true } },
    rules: {
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true, allowNullish: true },
      ],
      // tfjs's functions leave the rank of a tensor to the caller, who states it with `as`.
      '@typescript-eslint/no-unnecessary-type-assertion': 'off',
      // An async function without await is the plain way to fulfil an interface of promises.
      '@typescript-eslint/require-await': 'off',
      eqeqeq: 'error',
      // Library code returns data and emits events; only the command line prints.
      'no-console': 'error',
    },
  },
  { files: ['src/**/*.ts'], rules: { '@typescript-eslint/explicit-module-boundary-types': 'error' } },
  {
    // node:test's functions return promises that the runner itself awaits.
    files: ['test/**/*.ts'],
    rules: { '@typescript-eslint/no-floating-promises': 'off' },
  },
  {
    // Types are checked by the compiler, from JSDoc.
    files: ['**/*.mjs', '**/*.js', '**/*.cjs'],
    rules: { 'no-undef': 'off', eqeqeq: 'error' },
  },
);

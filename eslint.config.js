import eslint from '@eslint/js';
import { defineConfig } from 'eslint/config';
import tseslint from 'typescript-eslint';

export default defineConfig(
  { ignores: ['dist/', 'runs/', 'node_modules/', '.venv/', '.venv-*/'] },
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
      // tfjs leaves the rank of a tensor to the caller, who asserts it with `as`.
      '@typescript-eslint/no-unnecessary-type-assertion': 'off',
      // Async functions without await implement interfaces that return promises.
      '@typescript-eslint/require-await': 'off',
      eqeqeq: 'error',
      // Library code returns data and emits events; only the command line prints.
      'no-console': 'error',
    },
  },
  { files: ['src/**/*.ts'], rules: { '@typescript-eslint/explicit-module-boundary-types': 'error' } },
  {
    // The test runner awaits the promises of node:test.
    files: ['test/**/*.ts'],
    rules: { '@typescript-eslint/no-floating-promises': 'off' },
  },
  {
    // The compiler checks the types from JSDoc.
    files: ['**/*.mjs', '**/*.js', '**/*.cjs'],
    rules: { 'no-undef': 'off', eqeqeq: 'error' },
  },
);

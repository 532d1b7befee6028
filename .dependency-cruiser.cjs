// The folders that each folder of src/ may import, in addition to itself and the leaves errors.ts, plural.ts, random.ts,
// shell-quote.ts, system-errors.ts and version.ts.
const ALLOWED = {
  metrics: [],
  vocab: [],
  files: [],
  text: ['vocab', 'config', 'files'],
  config: ['files'],
  auto: ['config'],
  setup: ['files'],
  data: ['text', 'vocab', 'config', 'files'],
  init: ['data', 'text', 'config', 'files'],
  runtime: ['setup'],
  model: ['runtime', 'vocab', 'config', 'data'],
  loss: ['runtime', 'model', 'data'],
  optim: ['runtime', 'config'],
  checkpoint: ['runtime', 'config', 'files'],
  decoding: ['runtime', 'model', 'vocab', 'text', 'config'],
  training: [
    'auto',
    'runtime',
    'model',
    'loss',
    'optim',
    'checkpoint',
    'data',
    'text',
    'vocab',
    'decoding',
    'metrics',
    'config',
    'files',
  ],
  translation: ['runtime', 'model', 'loss', 'checkpoint', 'text', 'vocab', 'decoding', 'config', 'data'],
  benchmark: ['runtime', 'model', 'text', 'data', 'optim', 'training', 'decoding', 'vocab', 'config'],
  evaluation: ['model', 'loss', 'metrics', 'decoding', 'text', 'data', 'config'],
};
/** Modules of src/runtime/ that load no Node module. */
const PORTABLE_RUNTIME = ['tf', 'policy', 'stored-tensor', 'event-loop'];
const FOLDERS = [...Object.keys(ALLOWED), 'cli'];

module.exports = {
  forbidden: [
    {
      name: 'no-cycles',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'only-bin-imports-cli',
      severity: 'error',
      from: { pathNot: '^(src/cli|bin|test)/' },
      to: { path: '^src/cli/' },
    },
    ...Object.entries(ALLOWED).map(([folder, others]) => ({
      name: `${folder}-imports`,
      comment: `src/${folder} may import ${others.length === 0 ? 'only leaves' : others.join(', ')}`,
      severity: 'error',
      from: { path: `^src/${folder}/` },
      to: {
        path: `^src/(${FOLDERS.filter((name) => name !== folder && !others.includes(name)).join('|')})/`,
        dependencyTypesNot: ['type-only'],
      },
    })),
    {
      name: 'tfjs-is-loaded-by-runtime',
      comment: 'TensorFlow is slow to load: other folders import only its types',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/runtime/' },
      to: { path: '@tensorflow', dependencyTypesNot: ['type-only'] },
    },
    ...[{ path: '^src/runtime/tensorflow\\.ts' }, { dependencyTypes: ['core'] }].map((to, index) => ({
      name: `computing-is-portable-${index}`,
      comment: 'Ops, models, loss and search run on any tfjs backend, without the native library and Node modules.',
      severity: 'error',
      from: {
        path: `^src/(runtime/(ops/|(${PORTABLE_RUNTIME.join('|')})\\.ts)|model/|loss/|optim/|decoding/)`,
      },
      to: { dependencyTypesNot: ['type-only'], ...to },
    })),
    { name: 'no-test-code', severity: 'error', from: { path: '^src/' }, to: { path: '^test/' } },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { extensions: ['.ts', '.mjs', '.js'] },
  },
};

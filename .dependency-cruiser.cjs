// Imports point one way: text -> tokens -> batches -> model -> loss -> optimiser -> checkpoint -> decoding -> metrics.
// What each folder of src/ may import, beside itself and the leaves errors.ts, plural.ts, random.ts and version.ts.
const ALLOWED = {
  metrics: [],
  vocab: [],
  files: [],
  text: ['vocab', 'config', 'files'],
  config: ['files'],
  setup: ['files'],
  data: ['text', 'vocab', 'config', 'files'],
  runtime: ['setup'],
  model: ['runtime', 'vocab', 'config', 'data'],
  loss: ['runtime', 'model', 'data'],
  optim: ['runtime', 'config'],
  checkpoint: ['runtime', 'config', 'files'],
  decoding: ['runtime', 'model', 'vocab', 'text', 'config'],
  training: [
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
  translation: ['runtime', 'model', 'checkpoint', 'text', 'vocab', 'decoding', 'config', 'data'],
  benchmark: ['runtime', 'model', 'text', 'data', 'optim', 'training', 'decoding', 'vocab', 'config'],
  evaluation: ['model', 'loss', 'metrics', 'decoding', 'text', 'data', 'config'],
};
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
      comment: `src/${folder} may import ${others.length === 0 ? 'leaves only' : others.join(', ')}`,
      severity: 'error',
      from: { path: `^src/${folder}/` },
      to: {
        path: `^src/(${FOLDERS.filter((name) => name !== folder && !others.includes(name)).join('|')})/`,
        dependencyTypesNot: ['type-only'],
      },
    })),
    {
      name: 'tfjs-is-loaded-by-runtime',
      comment: 'TensorFlow takes long to load: others import types alone',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/runtime/' },
      to: { path: '@tensorflow', dependencyTypesNot: ['type-only'] },
    },
    ...[{ path: '^src/runtime/tensorflow\\.ts' }, { dependencyTypes: ['core'] }].map((to, index) => ({
      name: `computing-is-portable-${index}`,
      comment:
        'Ops, models, loss and search run on any tfjs backend: they load neither the native library nor modules of Node.',
      severity: 'error',
      from: {
        path: '^src/(runtime/(ops/|tf\\.ts|policy\\.ts|stored-tensor\\.ts|event-loop\\.ts)|model/|loss/|optim/|decoding/)',
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

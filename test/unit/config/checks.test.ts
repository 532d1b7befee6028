import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ConfigFolder, DATA } from './fixtures.js';

const folder = new ConfigFolder();

/** Contradictory settings, which follow the three lines of data, and the problem reported. */
const CONTRADICTIONS: readonly [settings: string, problem: RegExp][] = [
  ['tokenizer: { source: { size: 100 } }', /^4: tokenizer\.source: .*tokenizer\.shared.*false/],
  ['tokenizer:\n  shared: true\n  target: { type: char }', /^6: tokenizer\.target: /],
  ['model:\n  encoder:\n    hiddenSize: 7', /^6: model\.encoder\.hiddenSize: is 7, .*bidirectional to false/],
  [
    'model: { encoder: { hiddenSize: 8 }, decoder: { hiddenSize: 6, attention: dot } }',
    /^4: model\.decoder\.attention: .* is 8 and .* is 6\. .*general/,
  ],
  ['model: { decoder: { attention: none, inputFeeding: true } }', /^4: model\.decoder\.inputFeeding: .*none/],
  ['model: { decoder: { attention: none, bridge: zero } }', /^4: model\.decoder\.bridge: .*not depend on the source/],
  [
    'model: { encoder: { hiddenSize: 8 }, decoder: { bridge: copy, hiddenSize: 6 } }',
    /^4: model\.decoder\.bridge: .*projection/,
  ],
  ['model: { encoder: { layers: 2 }, decoder: { bridge: copy } }', /^4: model\.decoder\.bridge: /],
  ['model: { encoder: { residualFrom: 2 } }', /^4: model\.encoder\.residualFrom: is 2, .*layers is 1/],
  [
    'model: { embeddingSize: 100, decoder: { hiddenSize: 512, residualFrom: 1 } }',
    /^4: model\.decoder\.residualFrom: is 1, .* is 100 and .* is 512\. Set it to 2/,
  ],
  ['model: { decoder: { attention: bahdanau, inputFeeding: true } }', /^4: model\.decoder\.inputFeeding: .*bahdanau/],
  ['model: { decoder: { layers: 2, contextLayers: all } }', /^4: model\.decoder\.contextLayers: .*general.*bahdanau/],
  [
    'model: { decoder: { attention: bahdanau, contextLayers: all } }',
    /^4: model\.decoder\.contextLayers: .*layers is 1/,
  ],
  ['model: { decoder: { coverage: true } }', /^4: model\.decoder\.coverage: requires additive scores, .*general/],
  ['model: { decoder: { attention: concat, coverageLoss: 1 } }', /^4: model\.decoder\.coverageLoss: is 1, .*coverage/],
  ['model: { decoder: { attention: dot, attentionHeads: 2 } }', /^4: model\.decoder\.attentionHeads: is 2, .*dot/],
  ['model: { decoder: { attention: none, attentionHeads: 2 } }', /^4: model\.decoder\.attentionHeads: is 2, .*none/],
  ['model: { decoder: { hiddenSize: 8, attentionHeads: 3 } }', /^4: model\.decoder\.attentionHeads: is 3, .*\(8\)/],
  [
    'model:\n  tieTargetEmbeddings: true\n  embeddingSize: 100\n  decoder: { hiddenSize: 512 }',
    /^5: model\.tieTargetEmbeddings: .*\(100\).*\(512\)/,
  ],
  [
    'model: { shareEmbeddings: true }\ntokenizer: { shared: false }',
    /^4: model\.shareEmbeddings: .*tokenizer\.shared is false/,
  ],
  [
    'model: { embeddingSize: 8, encoder: { type: transformer, hiddenSize: 12 } }',
    /^4: model\.encoder\.hiddenSize: is 12, .*model\.embeddingSize is 8\./,
  ],
  [
    'model: { decoder: { type: transformer, hiddenSize: 12, heads: 5 } }',
    /^4: model\.decoder\.heads: is 5, which does not divide model\.decoder\.hiddenSize \(12\)\./,
  ],
  [
    '  maxSourceLength: 100\n  maxTargetLength: 80\nmodel:\n' +
      '  encoder: { type: transformer, positions: learned, maxPositions: 100 }\n' +
      '  decoder: { type: transformer, positions: learned, maxPositions: 81 }',
    /^7: model\.encoder\.maxPositions: is 100, but data\.maxSourceLength is 100, .*101 or more/,
  ],
  [
    'model: { encoder: { type: transformer, hiddenSize: 8 }, decoder: { hiddenSize: 6, attention: dot } }',
    /^4: model\.decoder\.attention: .* is 8 and .* is 6\./,
  ],
  [
    'training: { optimizer: { weightDecay: 0.1 } }',
    /^4: training\.optimizer\.weightDecay: is not used by adam\. .*adamw/,
  ],
  [
    'training: { optimizer: { name: adamw, momentum: 0.9 } }',
    /^4: training\.optimizer\.momentum: is not used by adamw\. .*sgd/,
  ],
  [
    'training: { schedule: { name: inverse-sqrt, warmupSteps: 0 } }',
    /^4: training\.schedule\.name: .*warmupSteps is 0/,
  ],
  [
    'training: { optimizer: { learningRate: 0.001 }, schedule: { minimumLearningRate: 0.1 } }',
    /^4: training\.schedule\.minimumLearningRate: is 0\.1, above .*\(0\.001\)/,
  ],
  ['training: { validation: { bleu: false } }', /^4: training\.earlyStopping\.metric: is bleu, but/],
];

for (const [settings, problem] of CONTRADICTIONS) {
  test(`contradiction: ${settings.replace(/\s+/g, ' ')}`, () => {
    const problems = folder.problems(DATA + settings);
    assert.equal(problems.length, 1, problems.join('\n'));
    assert.match(problems[0]!, problem);
  });
}

test('similar settings without a contradiction are accepted', () => {
  for (const settings of [
    'tokenizer: { shared: false, source: { size: 100 }, target: { type: char } }',
    'model: { encoder: { hiddenSize: 7, bidirectional: false } }',
    'model: { encoder: { hiddenSize: 8 }, decoder: { hiddenSize: 8, attention: dot } }',
    'model: { decoder: { attention: none } }',
    'model: { decoder: { bridge: copy } }',
    'model: { encoder: { type: transformer, layers: 6, hiddenSize: 8 }, decoder: { bridge: copy, hiddenSize: 8 } }',
    'model: { embeddingSize: 8, decoder: { type: transformer, heads: 4, positions: learned } }',
    'model: { decoder: { type: transformer } }\ndecoding: { copyUnknown: true }',
    'model: { encoder: { layers: 2, bidirectional: first, residualFrom: 2 } }',
    'model: { decoder: { hiddenSize: 8, attentionHeads: 2, attention: concat, coverage: true, coverageLoss: 1 } }',
    'model: { decoder: { layers: 2, attention: bahdanau, contextLayers: all, residualFrom: 2 } }',
    'model: { tieTargetEmbeddings: true, shareEmbeddings: true, embeddingSize: 512 }',
    'training: { optimizer: { name: adamw, weightDecay: 0.1 } }',
    'training: { optimizer: { name: sgd, momentum: 0.9 } }',
    'training: { schedule: { name: inverse-sqrt, warmupSteps: 10, minimumLearningRate: 0.001 } }',
    'training: { validation: { bleu: false }, earlyStopping: { metric: loss } }',
  ]) {
    assert.deepEqual(folder.problems(DATA + settings), [], settings);
  }
});

test('a corpus is two aligned files or one file with both sides', () => {
  const of = (corpus: string): string[] =>
    folder.problems(`data:\n  train:\n    - ${corpus}\n  dev: [{ source: dev.a, target: dev.b }]`);
  assert.deepEqual(
    of('{ file: all.tsv, sourceColumn: de, targetColumn: 2, header: true, delimiter: ";", quote: "" }'),
    [],
  );
  assert.match(
    of('{ source: train.a, target: train.b, file: all.tsv }').join(),
    /^3: data\.train\[0\]: has both file and source or target\./,
  );
  assert.match(of('{ weight: 2 }').join(), /^3: data\.train\[0\]: names no file\./);
  assert.match(of('{ source: train.a }').join(), /^3: data\.train\[0\]: lacks target\./);
  assert.match(of('{ target: train.b }').join(), /^3: data\.train\[0\]: lacks source\./);
  assert.match(
    of('{ source: train.a, target: train.a }').join(),
    /^3: data\.train\[0\]\.target: is the same file as source\./,
  );
  const columns = of(
    '{ source: train.a, target: train.b, format: tsv, sourceColumn: 1, targetColumn: 2, header: true, ' +
      'delimiter: ";", quote: "" }',
  );
  assert.deepEqual(
    columns.map((problem) => /data\.train\[0\]\.(\w+): is for one file/.exec(problem)?.[1]),
    ['format', 'sourceColumn', 'targetColumn', 'header', 'delimiter', 'quote'],
  );
});

test('one file with both sides has a format and two columns', () => {
  folder.write('all.txt', '');
  const of = (corpus: string): string =>
    folder.problems(`data:\n  train:\n    - ${corpus}\n  dev: [{ source: dev.a, target: dev.b }]`).join('\n');
  assert.match(
    of('{ file: all.txt }'),
    /^3: data\.train\[0\]\.file: has an extension of unknown format: .*all\.txt\. Set format/,
  );
  assert.equal(of('{ file: all.txt, format: tsv }'), '');
  assert.match(
    of('{ file: all.tsv, sourceColumn: 2, targetColumn: 2 }'),
    /^3: data\.train\[0\]\.targetColumn: is the same column as sourceColumn\./,
  );
  assert.match(
    of('{ file: all.tsv, sourceColumn: de, header: false }'),
    /^3: data\.train\[0\]\.header: is false, but columns are given by name\./,
  );
});

test('copying unknown words requires attention', () => {
  assert.match(
    folder.problems(`${DATA}model: { decoder: { attention: none } }\ndecoding:\n  copyUnknown: true\n`).join(),
    /^\d+: decoding\.copyUnknown: requires attention weights, but model\.decoder\.attention is none\. /,
  );
  assert.deepEqual(folder.problems(`${DATA}decoding: { copyUnknown: true }\n`), []);
});

test('text in two splits is reported, even through other paths', () => {
  symlinkSync(join(folder.path, 'train.a'), join(folder.path, 'link.a'));
  const train = '  train: [{ source: train.a, target: train.b }]\n';
  assert.match(
    folder.problems(`data:\n${train}  dev:\n    - { source: ./train.a, target: train.b }\n`).join(),
    /^4: data\.dev\[0\]: is also in data\.train\. .*held-out/,
  );
  assert.match(
    folder
      .problems(`data:\n${train}  dev: [{ source: dev.a, target: dev.b }, { source: link.a, target: train.b }]\n`)
      .join(),
    /^3: data\.dev\[1\]: is also in data\.train/,
  );
  assert.match(
    folder.problems(`${DATA}  test:\n    - { source: dev.a, target: dev.b }\n`).join(),
    /^5: data\.test\[0\]: is also in data\.dev/,
  );
  // A corpus may occur twice in train, and other columns of a file are other text.
  assert.deepEqual(
    folder.problems(`${DATA.replace('train: [', 'train: [{ source: train.a, target: train.b }, ')}`),
    [],
  );
  for (const dev of [
    '{ file: all.tsv, sourceColumn: 1, targetColumn: 2 }',
    '{ file: all.tsv, sourceColumn: 2, targetColumn: 1 }',
  ]) {
    assert.match(
      folder.problems(`data:\n  train: [{ file: all.tsv }]\n  dev:\n    - ${dev}\n`).join(),
      /^4: data\.dev\[0\]: is also in data\.train\./,
      dev,
    );
  }
  assert.deepEqual(
    folder.problems(
      'data:\n  train: [{ file: all.tsv, targetColumn: 2 }]\n  dev: [{ file: all.tsv, targetColumn: 3 }]\n',
    ),
    [],
  );
});

test('a run directory may be new, but not a file', () => {
  writeFileSync(join(folder.path, 'taken'), '');
  writeFileSync(join(folder.path, 'a.tsv'), '');
  writeFileSync(join(folder.path, 'b.tsv'), '');
  const data = 'data: { train: [{ file: a.tsv }], dev: [{ file: b.tsv }] }\n';
  assert.deepEqual(folder.problems(`runDirectory: taken\n${data}`), [
    `1: runDirectory: is a file, not a directory: ${join(folder.path, 'taken')}. ` +
      'Name a directory; it is created if it does not exist.',
  ]);
  assert.match(
    folder.problems(`runDirectory: taken/run\nsede: 1\n${data}`).join('\n'),
    /^1: runDirectory: .*taken\/run cannot be used: a part of this path is a file, not a folder\. .*\n2: sede/s,
  );
  assert.deepEqual(folder.problems(`runDirectory: new/one\n${data}`), []);
});

test('every missing file is reported, unless files are not checked', () => {
  const text =
    'data:\n  train:\n    - source: no.a\n      target: no.b\n' +
    '  dev: [{ file: no.tsv }]\n  test: [{ file: folder.tsv }]\n';
  mkdirSync(join(folder.path, 'folder.tsv'));
  const problems = folder.problems(text);
  assert.equal(problems.length, 4);
  assert.equal(problems[0], `3: data.train[0].source: file not found: ${join(folder.path, 'no.a')}.`);
  assert.match(problems[1]!, /^4: data\.train\[0\]\.target: file not found: .*no\.b\.$/);
  assert.match(problems[2]!, /^5: data\.dev\[0\]\.file: file not found:/);
  assert.match(problems[3]!, /^6: data\.test\[0\]\.file: .*folder\.tsv is a directory\./);
  assert.deepEqual(folder.problems(text, { checkFiles: false }), []);
  const inFile = folder.problems(DATA.replace('train.a', 'train.b/x'));
  assert.equal(inFile.length, 1);
  assert.match(inFile[0]!, /^2: data\.train\[0\]\.source: /);
});

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { runCommand } from '../support/command.js';

// Scores of validations, and the checkpoint that they select, for targets that BLEU with 13a cannot score.

const folder = mkdtempSync(join(tmpdir(), 's2s-scores-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const SUBJECTS = ['I', 'you', 'she', 'we', 'they'] as const;
const VERBS = ['see', 'hear', 'buy', 'want'] as const;
const OBJECTS = ['a cat', 'an apple', 'some bread', 'the house', 'a pupil'] as const;

interface Clause {
  readonly subject: number;
  readonly verb: number;
  readonly object: number;
}

/** Target sentences of clauses. */
const LANGUAGES = {
  chinese: ({ subject, verb, object }: Clause) =>
    `${['我', '你', '她', '我们', '他们'][subject]}${['看见', '听到', '买了', '想要'][verb]}` +
    `${['一只猫', '一个苹果', '一些面包', '那座房子', '一个学生'][object]}。`,
  decomposed: ({ subject, verb, object }: Clause) =>
    `${['tôi', 'bạn', 'cô ấy', 'chúng tôi', 'họ'][subject]} ${['thấy', 'nghe', 'mua', 'muốn'][verb]} ${
      ['một con mèo', 'một quả táo', 'một ít bánh mì', 'ngôi nhà', 'một học sinh'][object]
    }.`.normalize('NFD'),
  word: ({ verb }: Clause) => ['voit', 'entend', 'achète', 'veut'][verb]!,
} as const;

/** Writes train, dev and a configuration, and returns their folder. Every fourth clause is in dev. */
function writeCorpus(name: string, translate: (clause: Clause) => string, settings = ''): string {
  const directory = join(folder, name);
  mkdirSync(directory);
  const lines: Record<'train' | 'dev', [string, string][]> = { train: [], dev: [] };
  let number = 0;
  SUBJECTS.forEach((subjectWord, subject) =>
    VERBS.forEach((verbWord, verb) =>
      OBJECTS.forEach((objectWord, object) => {
        const pair: [string, string] = [
          `${subjectWord} ${verbWord} ${objectWord}.`,
          translate({ subject, verb, object }),
        ];
        lines[number++ % 4 === 3 ? 'dev' : 'train'].push(pair);
      }),
    ),
  );
  for (const [split, pairs] of Object.entries(lines)) {
    writeFileSync(join(directory, `${split}.en`), pairs.map(([source]) => `${source}\n`).join(''));
    writeFileSync(join(directory, `${split}.xx`), pairs.map(([, target]) => `${target}\n`).join(''));
  }
  writeFileSync(
    join(directory, 'c.yaml'),
    `runDirectory: run
device: cpu
precision: float32
data:
  train: [{ source: train.en, target: train.xx }]
  dev: [{ source: dev.en, target: dev.xx }]
tokenizer: { shared: false, type: char, size: 300, source: { type: word } }
model:
  embeddingSize: 48
  encoder: { hiddenSize: 48, dropout: 0 }
  decoder: { hiddenSize: 48, dropout: 0 }
  dropout: { embedding: 0, output: 0 }
training:
  maxEpochs: 48
  optimizer: { learningRate: 0.01 }
  validation: { every: 6, samples: 1 }
  batch: { size: 16, unit: sentences }
  ${settings}
`,
  );
  return directory;
}

const train = (directory: string, ...args: string[]) =>
  runCommand(['train', '--config', 'c.yaml', ...args], { cwd: directory });

/** Lines of dev that a checkpoint translates right. */
async function rightLines(directory: string, checkpoint: string): Promise<number> {
  const { stdout, stderr, code } = await runCommand(
    ['translate', '--model', 'run', '--checkpoint', checkpoint, '--beam-size', '1', 'dev.en'],
    { cwd: directory },
  );
  assert.equal(code, 0, stderr);
  const references = readFileSync(join(directory, 'dev.xx'), 'utf8').normalize('NFC').split('\n');
  return stdout.split('\n').filter((line, index) => line !== '' && line === references[index]).length;
}

interface ValidationRow {
  readonly type: string;
  readonly step: number;
  readonly bleu: number;
  readonly chrf: number;
  readonly bleuSignature: string;
}

function validationsOf(directory: string): ValidationRow[] {
  return readFileSync(join(directory, 'run', 'metrics.jsonl'), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as ValidationRow)
    .filter(({ type }) => type === 'validation');
}

test('an unspaced target: BLEU counts characters, and the best checkpoint is at least as good as the last', async () => {
  const directory = writeCorpus('chinese', LANGUAGES.chinese);
  const { code, stderr } = await train(directory);
  assert.equal(code, 0, stderr);
  assert.match(stderr, /^BLEU of validations has the tokenizer zh, because the dev references are Chinese/m);
  const validations = validationsOf(directory);
  assert.match(validations[0]!.bleuSignature, /\|tok:zh\|/);
  assert.ok(validations.at(-1)!.bleu > 50, stderr);
  const [best, last] = [await rightLines(directory, 'best'), await rightLines(directory, 'last')];
  assert.ok(best >= last && best > 5, `${best} lines with the best checkpoint, ${last} with the last one`);

  const self = ['eval', '--hypotheses', 'dev.xx', '--references', 'dev.xx'];
  const warned = await runCommand(self, { cwd: directory });
  assert.match(warned.stderr, /^warning: dev\.xx is Chinese, .*--bleu-tokenizer char\.$/m);
  for (const tokenizer of ['zh', 'char']) {
    const scored = await runCommand([...self, '--bleu-tokenizer', tokenizer], { cwd: directory });
    assert.match(scored.stdout, /^BLEU +100\.00 /m);
    assert.equal(scored.stderr, '');
  }
});

test('with 13a set for an unspaced target, chrF selects: BLEU is 0 or useless', async () => {
  const directory = writeCorpus('chinese with 13a', LANGUAGES.chinese);
  const { code, stderr } = await train(directory, '--set', 'training.validation.bleuTokenizer=13a');
  assert.equal(code, 0, stderr);
  assert.equal(stderr.match(/chrF selects the best checkpoint instead of BLEU/g)?.length, 1);
  assert.match(stderr, /^best chrf on dev: /m);
  assert.ok((await rightLines(directory, 'best')) >= (await rightLines(directory, 'last')));
});

test('decomposed references are normalised as the output is, and the difference is reported', async () => {
  const directory = writeCorpus('decomposed', LANGUAGES.decomposed);
  const { code, stderr } = await train(directory);
  assert.equal(code, 0, stderr);
  assert.match(stderr, /^warning: dev references: 25 of 25 lines .* BLEU \d\.\d\d .*tokenizer\.normalization to none/m);
  assert.ok(validationsOf(directory).at(-1)!.bleu > 50, stderr);
  const scored = await runCommand(['eval', '--model', 'run', '--split', 'dev'], { cwd: directory });
  assert.match(scored.stderr, /^warning: the reference text: 25 of 25 lines .* a perfect translation would get BLEU/m);
});

test('one-word targets: chrF selects the checkpoint and ends the training', async () => {
  const directory = writeCorpus('word', LANGUAGES.word, 'earlyStopping: { patience: 2 }');
  const { code, stderr } = await train(directory);
  assert.equal(code, 0, stderr);
  assert.equal(stderr.match(/chrF selects the best checkpoint instead of BLEU/g)?.length, 1);
  const validations = validationsOf(directory);
  assert.equal(Math.max(...validations.map(({ chrf }) => chrf)), 100, stderr);
  assert.match(stderr, /^stopped at step .*: early-stopping$/m);
  assert.match(stderr, /^best chrf on dev: 100\.00 at step/m);
  assert.equal(await rightLines(directory, 'best'), 25);
});

test('a dev set without one usable pair is refused with exit code 2, as an empty one is', async () => {
  const directory = writeCorpus('unusable', LANGUAGES.word);
  const cases: [string, string, RegExp][] = [
    ['', '', /dev\.en: data\.dev: the dev data contain no sentence pair/],
    [' \n\n\u200b\n', 'a\nb\nc\n', /dev\.en: data\.dev: every one of the 3 pairs of the dev data has an empty side/],
    ['a\n\n', '\nb\n', /every one of the 2 pairs of the dev data has an empty side/],
  ];
  for (const [sources, targets, message] of cases) {
    writeFileSync(join(directory, 'dev.en'), sources);
    writeFileSync(join(directory, 'dev.xx'), targets);
    const { code, stderr } = await train(directory);
    assert.equal(code, 2, stderr);
    assert.match(stderr, message);
  }
  writeFileSync(join(directory, 'dev.en'), 'I see a cat.\n\n');
  writeFileSync(join(directory, 'dev.xx'), 'voit\n\n');
  const usable = await train(directory, '--max-steps', '2');
  assert.equal(usable.code, 0, usable.stderr);
});

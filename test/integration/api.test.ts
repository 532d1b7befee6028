import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, test } from 'node:test';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A project that has s2s and the types of Node among its packages, as npm would have put them there. */
const project = mkdtempSync(join(tmpdir(), 's2s-api-'));
after(() => rmSync(project, { recursive: true, force: true }));
mkdirSync(join(project, 'node_modules'));
symlinkSync(resolve('.'), join(project, 'node_modules', 's2s-nmt'));
symlinkSync(resolve('node_modules', '@types'), join(project, 'node_modules', '@types'));
const write = (name: string, content: string): string => {
  writeFileSync(join(project, name), content);
  return join(project, name);
};
write('package.json', '{"type": "module", "private": true}');

const PROGRAM = `
import { Module } from 'node:module';
import { corpusBleu, evaluateModel, loadConfig, loadRun, loadTensorFlow, loadTokenizers, openTraining, readSplit, S2sError, train, translateLines } from 's2s-nmt';

const tensorFlowIsLoaded = () => Object.keys(Module._cache).some((file) => file.includes('@tensorflow'));
const before = tensorFlowIsLoaded();

let code;
try {
  loadConfig({ file: 'missing.yaml' });
} catch (error) {
  code = error instanceof S2sError ? error.code : undefined;
}
const config = loadConfig({ file: 'config.yaml', overrides: { 'training.maxSteps': 3 } });
await loadTensorFlow({ device: 'cpu' });
const session = await openTraining(config);
const types = [];
try {
  for await (const event of train(session)) types.push(event.type);
} finally {
  await session.close();
}

const run = await loadRun(config.runDirectory);
const { model, tokenizers } = run;
const lines = ['a b c', ''];
const translations = await translateLines(lines, { model, tokenizers, options: config.decoding });
const set = await readSplit(config, 'dev');
const { scores, hypotheses, teacherForced } = await evaluateModel(set, { model, tokenizers, decoding: config.decoding });
run.close();
const ids = await loadTokenizers(config.runDirectory).source.encode('c b a');
console.log(JSON.stringify({
  before, after: tensorFlowIsLoaded(), code, types, count: translations.length, blank: translations[1].blank,
  bleu: scores.bleu.score, again: corpusBleu(hypotheses, set.references).score, perplexity: teacherForced.perplexity, ids: ids.length,
}));
`;

test('a program trains, translates and scores by importing s2s, and the import alone does not load TensorFlow', async () => {
  write('train.a', 'a b c\nc a\nb\na a b\n');
  write('train.b', 'c b a\na c\nb\nb a a\n');
  write('dev.a', 'b c\na\n');
  write('dev.b', 'c b\na\n');
  write(
    'config.yaml',
    `runDirectory: run
data: { train: [{ source: train.a, target: train.b }], dev: [{ source: dev.a, target: dev.b }] }
tokenizer: { type: char, size: 20 }
model: { embeddingSize: 4, encoder: { hiddenSize: 4 }, decoder: { hiddenSize: 4 } }
training: { batch: { size: 2, unit: sentences } }
`,
  );
  const { stdout } = await run(process.execPath, [write('program.js', PROGRAM)], { cwd: project });
  const found = JSON.parse(stdout) as { types: string[]; bleu: number; again: number; perplexity: number } & Record<
    string,
    unknown
  >;
  const { types, bleu, again, perplexity, ...rest } = found;
  assert.deepEqual(rest, { before: false, after: true, code: 'config-unreadable', count: 2, blank: true, ids: 5 });
  assert.deepEqual([types[0], types.filter((type) => type === 'update').length, types.at(-1)], ['start', 3, 'stopped']);
  assert.equal(bleu, again);
  assert.ok(perplexity > 1 && perplexity < 20, `${perplexity}`);
});

test('the types are there for a strict TypeScript program, and are right by themselves', async () => {
  const program = write(
    'program.ts',
    `import { corpusBleu, loadConfig, loadRun, loadTensorFlow, loadTokenizer, openTraining, train, translateLines, type Config, type ConfigInput, type TrainingEvent } from 's2s-nmt';

const config: Config = loadConfig({ file: 'config.yaml' });
const beamSize: number = config.decoding.beamSize;
const input: ConfigInput = { data: { train: [{ source: 'a', target: 'b' }], dev: [{ file: 'c.tsv' }] } };
const { description }: { description: string } = await loadTensorFlow({ device: config.device });
const bleus: (number | undefined)[] = [];
const describe = (event: TrainingEvent): void => {
  if (event.type === 'validation') bleus.push(event.bleu);
  // @ts-expect-error a type of event that there is not
  if (event.type === 'nonsense') bleus.push(0);
};
const session = await openTraining(config);
for await (const event of train(session)) describe(event);
await session.close();
const { model, tokenizers, close } = await loadRun('run', 'best');
const [translation] = await translateLines(['a'], { model, tokenizers, options: config.decoding });
const text: string | undefined = translation?.hypotheses[0].text;
const ids: number[] = await loadTokenizer('tokenizer.json').encode('a');
const score: number = corpusBleu(['a'], [['a']]).score;
// @ts-expect-error references are sets of lines
corpusBleu(['a'], ['a']);
// @ts-expect-error a step is a number
await loadRun('run', 'newest');
close();
// What is not typed is any, and any would pass as this.
// @ts-expect-error tensors are typed
const nothing: null = model.targetVocabularySize;
console.log(beamSize, input, description, text, ids, score, nothing);
`,
  );
  const options = [
    '--noEmit',
    '--strict',
    '--target',
    'es2023',
    '--module',
    'nodenext',
    '--moduleResolution',
    'nodenext',
    '--types',
    'node',
    '--skipLibCheck',
    'false',
    '--pretty',
    'false',
  ];
  const compiled = await run(process.execPath, [resolve('node_modules/typescript/bin/tsc'), ...options, program], {
    cwd: project,
  }).catch((error: unknown) => error as { stdout: string });
  // Declarations of other packages, tfjs's among them, have errors under skipLibCheck: false; ours and the program must not.
  const errors = compiled.stdout
    .split('\n')
    .filter((line) => /error TS\d+/.test(line) && !/^[^(]*node_modules[\\/](?!s2s[\\/])/.test(line));
  assert.deepEqual(errors, []);
});

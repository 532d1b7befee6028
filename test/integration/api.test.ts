import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, test } from 'node:test';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A project with s2s and @types/node in node_modules, as npm installs them. */
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

/** Writes a configuration of a tiny model, and its corpora. */
function writeConfiguration(name: string, runDirectory: string): void {
  write('train.a', 'a b c\nc a\nb\na a b\n');
  write('train.b', 'c b a\na c\nb\nb a a\n');
  write('dev.a', 'b c\na\n');
  write('dev.b', 'c b\na\n');
  write(
    name,
    `runDirectory: ${runDirectory}
data: { train: [{ source: train.a, target: train.b }], dev: [{ source: dev.a, target: dev.b }] }
tokenizer: { type: char, size: 20 }
model: { embeddingSize: 4, encoder: { hiddenSize: 4 }, decoder: { hiddenSize: 4 } }
training: { batch: { size: 2, unit: sentences }, maxEpochs: 2 }
`,
  );
}

/** Errors of the compiler in strict TypeScript programs and in our own declarations. */
async function compileErrors(programs: readonly string[], options: readonly string[] = []): Promise<string[]> {
  const strict = ['--strict', '--target', 'es2023', '--module', 'nodenext', '--types', 'node', '--pretty', 'false'];
  const compiler = resolve('node_modules/typescript/bin/tsc');
  const compiled = await run(process.execPath, [compiler, ...strict, ...options, ...programs], { cwd: project }).catch(
    (error: unknown) => error as { stdout: string },
  );
  // Declarations of other packages, tfjs's among them, have errors under skipLibCheck: false.
  return compiled.stdout
    .split('\n')
    .filter((line) => /error TS\d+/.test(line) && !/^[^(]*node_modules[\\/](?!s2s-nmt[\\/])/.test(line));
}

const PROGRAM = `
import { Module } from 'node:module';
import {
  corpusBleu, evaluateModel, loadConfig, loadRun, loadTensorFlow, loadTokenizers, openTraining, readSplit, S2sError,
  train, translateLines,
} from 's2s-nmt';

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
const evaluation = await evaluateModel(set, { model, tokenizers, decoding: config.decoding });
const { scores, hypotheses, teacherForced } = evaluation;
run.close();
const ids = await loadTokenizers(config.runDirectory).source.encode('c b a');
console.log(JSON.stringify({
  before, after: tensorFlowIsLoaded(), code, types, count: translations.length, blank: translations[1].blank,
  bleu: scores.bleu.score, again: corpusBleu(hypotheses, set.references).score, perplexity: teacherForced.perplexity,
  ids: ids.length,
}));
`;

test('a program can train, translate and score with the API; importing it does not load TensorFlow', async () => {
  writeConfiguration('config.yaml', 'run');
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

test('the type declarations compile under strict and without skipLibCheck', async () => {
  const program = write(
    'program.ts',
    `import {
  corpusBleu, loadConfig, loadRun, loadTensorFlow, loadTokenizer, openTraining, train, translateLines,
  type ConfigInput, type LoadedConfig, type TrainingEvent,
} from 's2s-nmt';

const config: LoadedConfig = loadConfig({ file: 'config.yaml' });
const beamSize: number = config.decoding.beamSize;
const input: ConfigInput = { data: { train: [{ source: 'a', target: 'b' }], dev: [{ file: 'c.tsv' }] } };
const { description }: { description: string } = await loadTensorFlow({ device: config.device });
const bleus: (number | undefined)[] = [];
const describe = (event: TrainingEvent): void => {
  if (event.type === 'validation') bleus.push(event.bleu);
  // @ts-expect-error no such event type
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
// An untyped value would be any, which this rejects.
// @ts-expect-error tensors are typed
const nothing: null = model.targetVocabularySize;
console.log(beamSize, input, description, text, ids, score, nothing);
`,
  );
  assert.deepEqual(await compileErrors([program], ['--noEmit', '--skipLibCheck', 'false']), []);
});

test('the programs of docs/api.md compile and run', async () => {
  writeConfiguration('en-fr.yaml', 'runs/en-fr');
  const texts = [...readFileSync('docs/api.md', 'utf8').matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map(([, text]) => text!);
  assert.ok(texts.length >= 5, `${texts.length} programs`);
  const programs = texts.map((text, index) => write(`program-${index}.ts`, text));
  assert.deepEqual(await compileErrors(programs, ['--skipLibCheck', '--noUncheckedIndexedAccess']), []);
  // In the order of the page: the first one trains the model that the others use.
  for (const program of programs) {
    const { stdout } = await run(process.execPath, [program.replace(/\.ts$/, '.js')], { cwd: project });
    // A model that has hardly learned may translate to nothing: a blank line.
    assert.notEqual(stdout, '', program);
  }
  assert.ok(existsSync(join(project, 'runs', 'tuned', 'checkpoints', 'index.json')), 'a model was fine-tuned');
});

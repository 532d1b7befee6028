import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { ConfigError } from '../../../src/config/load.js';
import { CONFIG_FILE, formatConfig, readResolvedConfig, saveResolvedConfig } from '../../../src/config/save.js';
import { UsageError } from '../../../src/errors.js';
import { validConfig } from './arbitrary.js';
import { ConfigFolder, DATA } from './fixtures.js';

const folder = new ConfigFolder();
const run = join(folder.path, 'runs', 'a');

test('a resolved configuration is read back unchanged', () => {
  fc.assert(
    fc.property(validConfig(), (config) => {
      saveResolvedConfig(config, run);
      assert.deepEqual(readResolvedConfig(run), { ...config, runDirectory: run });
    }),
    { numRuns: 200 },
  );
  assert.deepEqual(readdirSync(run), [CONFIG_FILE]);
});

test('a printed configuration loads to the same configuration, whatever the variables contain', () => {
  const value = fc
    .oneof(fc.string({ unit: 'grapheme', minLength: 1 }), fc.constantFrom('${A}', 'x${B:-c}y', '$${A}'))
    .filter((text) => !text.includes('\0'));
  fc.assert(
    fc.property(value, value, (language, name) => {
      const environment = { A: name, LANGUAGE: language };
      const config = folder.load(`${DATA}  sourceLanguage: \${LANGUAGE}\nrunDirectory: \${A}\n`, { environment });
      assert.equal(config.data.sourceLanguage, language);
      assert.deepEqual(folder.load(formatConfig(config), {}, 'printed.yaml'), config);
    }),
    { numRuns: 100 },
  );
});

test('all defaults are written', () => {
  const printed = formatConfig(folder.load(DATA));
  for (const line of ['seed: 1', '  hiddenSize: auto', '  beamSize: 5', '  test: []'])
    assert.match(printed, new RegExp(`^ *${line.trim().replace('[]', '\\[\\]')}$`, 'm'));
});

test('missing keys get their defaults, and the run directory is the directory of the file', () => {
  saveResolvedConfig(folder.resolve(DATA), run);
  const file = join(run, CONFIG_FILE);
  writeFileSync(
    file,
    readFileSync(file, 'utf8')
      .replace(/^.*sha256.*\n/, '')
      .replace(/^ *beamSize: .*\n/m, ''),
  );
  const config = readResolvedConfig(run);
  assert.equal(config.decoding.beamSize, 5);
  assert.equal(config.runDirectory, run);
});

test('an unchanged configuration is not rewritten, and a changed one is replaced', () => {
  const config = folder.resolve(DATA);
  saveResolvedConfig(config, run);
  const file = join(run, CONFIG_FILE);
  const before = statSync(file, { bigint: true });
  saveResolvedConfig(config, run);
  const { ino, mtimeNs } = statSync(file, { bigint: true });
  assert.deepEqual([ino, mtimeNs], [before.ino, before.mtimeNs]);
  saveResolvedConfig({ ...config, seed: config.seed + 1 }, run);
  assert.equal(readResolvedConfig(run).seed, config.seed + 1);
  assert.deepEqual(readdirSync(run), [CONFIG_FILE]);
});

test('a value changed without deleting the checksum is rejected, with the fix', () => {
  saveResolvedConfig(folder.resolve(DATA), run);
  const file = join(run, CONFIG_FILE);
  const text = readFileSync(file, 'utf8');
  const edited = text.replace('beamSize: 5', 'beamSize: 4');
  for (const damaged of [
    edited,
    text.replace('sha256', 'sha356'),
    text.slice(text.indexOf('\n') + 1) + text.slice(0, text.indexOf('\n') + 1),
  ]) {
    writeFileSync(file, damaged);
    assert.throws(
      () => readResolvedConfig(run),
      (error) =>
        error instanceof UsageError &&
        error.code === 'config-damaged' &&
        error.place?.file === file &&
        /delete the first line/.test(error.hint ?? ''),
    );
  }
  writeFileSync(file, edited.slice(edited.indexOf('\n') + 1));
  assert.equal(readResolvedConfig(run).decoding.beamSize, 4);
  writeFileSync(file, text.replaceAll('\n', '\r\n'));
  assert.equal(readResolvedConfig(run).decoding.beamSize, 5);
});

test('all problems of an invalid resolved configuration are reported', () => {
  writeFileSync(join(run, CONFIG_FILE), `${DATA}seed: x\nmodle: {}\n`);
  assert.throws(
    () => readResolvedConfig(run),
    (error) =>
      error instanceof ConfigError &&
      error.message ===
        `${run}/config.yaml:4: seed: must be a number, but is "x".\n` +
          `${run}/config.yaml:5: modle: is not a setting. Did you mean model?`,
  );
});

test('a directory without a resolved configuration is not a run directory', () => {
  assert.throws(
    () => readResolvedConfig(folder.path),
    (error) =>
      error instanceof UsageError &&
      error.code === 'no-run' &&
      error.place?.file === folder.path &&
      /s2s train/.test(error.hint ?? ''),
  );
});

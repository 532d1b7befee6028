import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseOverride, applyOverride, type Override } from '../../../src/config/overrides.js';
import { UsageError } from '../../../src/errors.js';
import { ConfigFolder, DATA } from './fixtures.js';

const folder = new ConfigFolder();

test('values are parsed as YAML', () => {
  const valueOf = (text: string): unknown => parseOverride(`a=${text}`).value;
  assert.deepEqual(['1', '1e-3', 'true', 'text', '"7"', '[1, b]', '{c: 1}', 'x=y', '', 'null', 'a b'].map(valueOf), [
    1,
    0.001,
    true,
    'text',
    '7',
    [1, 'b'],
    { c: 1 },
    'x=y',
    null,
    null,
    'a b',
  ]);
});

test('keys are separated by dots, list items are given by index', () => {
  assert.deepEqual(parseOverride(' data.train.0 . weight = 2').path, ['data', 'train', 0, 'weight']);
});

test('text that is not key=value is rejected, with an example', () => {
  for (const text of ['seed', '=1', '', '.seed=1', 'a..b=1', 'a.=1', ' =1']) {
    assert.throws(
      () => parseOverride(text),
      (error) =>
        error instanceof UsageError &&
        error.code === 'bad-set' &&
        error.message.includes(text) &&
        /For example/.test(error.hint ?? ''),
      text,
    );
  }
  assert.throws(
    () => parseOverride('seed="1'),
    (error) => error instanceof UsageError && /value cannot be parsed/.test(error.message),
  );
});

test('an override changes a copy, and creates missing mappings and lists', () => {
  const set = (value: unknown, text: string): unknown =>
    applyOverride(value, parseOverride(text), () => assert.fail('not applied'));
  const value = { a: { b: 1 }, list: [{ c: 1 }] };
  assert.deepEqual(set(value, 'a.d=2'), { a: { b: 1, d: 2 }, list: [{ c: 1 }] });
  assert.deepEqual(set(value, 'list.0.c=2'), { a: { b: 1 }, list: [{ c: 2 }] });
  assert.deepEqual(set(value, 'list.1.c=2'), { a: { b: 1 }, list: [{ c: 1 }, { c: 2 }] });
  assert.deepEqual(set(value, 'new.0.deep.key=1'), { ...value, new: [{ deep: { key: 1 } }] });
  assert.deepEqual(set(null, 'a=1'), { a: 1 });
  assert.deepEqual(set({ a: null }, 'a.b=1'), { a: { b: 1 } });
  assert.deepEqual(value, { a: { b: 1 }, list: [{ c: 1 }] });
  const own = set({}, '__proto__.polluted=1') as object;
  assert.ok(Object.hasOwn(own, '__proto__') && !('polluted' in {}));
});

test('an override that cannot be applied is reported, and changes nothing', () => {
  const problemOf = (value: unknown, override: Override): string => {
    let reported = '';
    assert.equal(
      JSON.stringify(
        applyOverride(
          value,
          override,
          (path, { message, hint }) => (reported += `${path.join('.')} ${message} ${hint}`),
        ),
      ),
      JSON.stringify(value),
    );
    return reported;
  };
  assert.match(
    problemOf({ a: [1] }, parseOverride('a.source=1')),
    /^a\.source cannot be set: a is a list\. .*a\.0\.source=/,
  );
  assert.match(problemOf({ a: [1] }, parseOverride('a.2=1')), /^a\.2 cannot be set: a has 1 item\. The next is a\.1\./);
  assert.match(problemOf({ a: 3 }, parseOverride('a.b=1')), /^a\.b cannot be set: a is a single value/);
});

test('invalid overrides are reported together with all other problems', () => {
  const problems = folder.problems(`${DATA}sede: 1\nseed: 2\n`, {
    set: [
      'data.train.weight=2',
      'data.dev.3.weight=2',
      'seed.x=1',
      'trainin.maxSteps=1',
      'training.maxStep=1',
      'training.maxEpochs=all',
    ],
  });
  assert.deepEqual(problems.map((problem) => problem.replace(/( The next| Give the index).*/, '')).toSorted(), [
    '--set: data.dev[3].weight: cannot be set: data.dev has 1 item.',
    '--set: data.train.weight: cannot be set: data.train is a list.',
    '--set: seed.x: cannot be set: seed is a single value and has no keys.',
    '--set: trainin: is not a setting. Did you mean training?',
    '--set: training.maxEpochs: must be a number or auto, but is "all".',
    '--set: training.maxStep: is not a setting. Did you mean training.maxSteps?',
    '4: sede: is not a setting. Did you mean seed?',
  ]);
});

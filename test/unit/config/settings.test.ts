import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseSetting, withSetting, type Setting } from '../../../src/config/settings.js';
import { UsageError } from '../../../src/errors.js';
import { ConfigFolder, DATA } from './fixtures.js';

const folder = new ConfigFolder();

test('values are read as YAML', () => {
  const valueOf = (text: string): unknown => parseSetting(`a=${text}`).value;
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

test('keys are parted by dots, items of lists by number', () => {
  assert.deepEqual(parseSetting(' data.train.0 . weight = 2').path, ['data', 'train', 0, 'weight']);
});

test('what is no setting is refused, with an example', () => {
  for (const text of ['seed', '=1', '', '.seed=1', 'a..b=1', 'a.=1', ' =1']) {
    assert.throws(
      () => parseSetting(text),
      (error) =>
        error instanceof UsageError &&
        error.code === 'bad-set' &&
        error.message.includes(text) &&
        /For example/.test(error.hint ?? ''),
      text,
    );
  }
  assert.throws(
    () => parseSetting('seed="1'),
    (error) => error instanceof UsageError && /value cannot be read/.test(error.message),
  );
});

test('a setting changes a copy, and makes the groups and lists that it needs', () => {
  const set = (value: unknown, text: string): unknown =>
    withSetting(value, parseSetting(text), () => assert.fail('refused'));
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

test('a setting that fits nowhere is told, and changes nothing', () => {
  const refused = (value: unknown, setting: Setting): string => {
    let told = '';
    assert.equal(
      JSON.stringify(
        withSetting(value, setting, (path, { message, hint }) => (told += `${path.join('.')} ${message} ${hint}`)),
      ),
      JSON.stringify(value),
    );
    return told;
  };
  assert.match(
    refused({ a: [1] }, parseSetting('a.source=1')),
    /^a\.source cannot be set, as a is a list\. .*a\.0\.source=/,
  );
  assert.match(refused({ a: [1] }, parseSetting('a.2=1')), /^a\.2 cannot be set, as a has 1 item\. The next is a\.1\./);
  assert.match(refused({ a: 3 }, parseSetting('a.b=1')), /^a\.b cannot be set, as a is a single value/);
});

test('wrong settings are told with all else that is wrong', () => {
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
  assert.deepEqual(problems.map((problem) => problem.replace(/( The next| Number its).*/, '')).toSorted(), [
    '--set: data.dev[3].weight: cannot be set, as data.dev has 1 item.',
    '--set: data.train.weight: cannot be set, as data.train is a list.',
    '--set: seed.x: cannot be set, as seed is a single value and has no keys.',
    '--set: trainin: is not a setting. Did you mean training?',
    '--set: training.maxEpochs: must be a number, but is "all".',
    '--set: training.maxStep: is not a setting. Did you mean training.maxSteps?',
    '4: sede: is not a setting. Did you mean seed?',
  ]);
});

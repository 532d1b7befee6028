import assert from 'node:assert/strict';
import { test } from 'node:test';
import { upgradeModel } from '../../../src/config/model.js';
import { ConfigFolder, DATA } from './fixtures.js';

const folder = new ConfigFolder();

test('settings of version 0.1 move to their present keys', () => {
  const old = {
    architecture: 'lstm',
    attention: 'dot',
    bridge: 'zero',
    encoder: { layers: 2 },
    dropout: { layers: 0.5, output: 0.1 },
  };
  assert.deepEqual(upgradeModel(old), {
    encoder: { type: 'lstm', layers: 2, dropout: 0.5 },
    decoder: { type: 'lstm', attention: 'dot', bridge: 'zero', dropout: 0.5 },
    dropout: { output: 0.1 },
  });
  const present = upgradeModel(old);
  assert.deepEqual(upgradeModel(present), present, 'present settings stay');
});

test('a configuration of version 0.1 loads, with --set of an old key, too', () => {
  const text = `${DATA}model: { attention: dot, bridge: zero, dropout: { layers: 0 } }\n`;
  const { model } = folder.load(text);
  assert.deepEqual(model.decoder, { ...model.decoder, attention: 'dot', bridge: 'zero' });
  assert.equal(model.encoder.dropout, 0);
  const { decoder } = folder.load(DATA, { set: ['model.attention=concat'] }).model;
  assert.deepEqual(decoder, { ...decoder, attention: 'concat' });
  assert.match(folder.problems(`${DATA}model: { attention: dott }\n`)[0]!, /model\.decoder\.attention: must be one of/);
});

test('a key that is set in both places is refused, with the present key', () => {
  const [problem] = folder.problems(`${DATA}model: { attention: dot, decoder: { attention: general } }\n`);
  assert.match(problem!, /model\.attention: is not a setting\. .*model\.decoder\.attention/);
});

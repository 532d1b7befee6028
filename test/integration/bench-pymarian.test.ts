import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { findPython } from '../support/python.js';

const found = findPython('pymarian');
const skip = 'missing' in found ? found.missing : false;
const python = 'missing' in found ? '' : found.python;

const folder = mkdtempSync(join(tmpdir(), 's2s-pymarian-'));
after(() => rmSync(folder, { recursive: true }));

function peer(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(python, ['-B', 'bench/peer_pymarian.py', ...args], { encoding: 'utf8' });
}

/** Runs a measurement with one timed step or pass and parses its report. */
function measure(...args: string[]): Record<string, unknown> {
  const { status, stdout, stderr } = peer('--steps', '1', '--warmup', '0', ...args);
  assert.equal(status, 0, stderr);
  assert.match(stdout, /^\{.*\}\n$/);
  return JSON.parse(stdout) as Record<string, unknown>;
}

const HEAD = ['system', 'model', 'dtype', 'device', 'parameters'];

describe('the benchmark of pymarian', { skip }, () => {
  test('a training measurement prints one line of JSON', () => {
    const report = measure('--model', 'transformer', '--batch', '2');
    assert.deepEqual(Object.keys(report), [
      ...HEAD,
      'seconds_per_step',
      'target_tokens_per_second',
      'peak_resident_megabytes',
      'note',
    ]);
    assert.match(report['system'] as string, /^Marian 1\.\d+\.\d+$/);
    assert.deepEqual([report['model'], report['dtype'], report['device']], ['transformer', 'float32', 'cpu']);
    // As many as `s2s bench --model transformer` reports.
    assert.equal(report['parameters'], 34_367_296);
    const [seconds, speed] = [report['seconds_per_step'] as number, report['target_tokens_per_second'] as number];
    assert.ok(seconds > 0);
    assert.ok(Math.abs(speed * seconds - 2 * 25) < 1e-6);
    assert.match(report['note'] as string, /^Marian's code is built for -march=\S+ with (SSE|AVX)/);
  });

  test('a decoding measurement has the sentence lengths of the file', () => {
    const source = join(folder, 'source.tokens');
    // With </s>, three sentences of 3, 3 and 7 tokens.
    writeFileSync(source, 'a b\n\nc d\na b c d e f\n');
    const report = measure('--decode', '--beam-size', '2', '--source', source);
    assert.deepEqual(Object.keys(report), [
      ...HEAD,
      'beam_size',
      'sentences',
      'sentences_per_second',
      'target_tokens_per_second',
      'peak_resident_megabytes',
      'note',
    ]);
    assert.deepEqual([report['model'], report['beam_size'], report['sentences']], ['lstm', 2, 3]);
    const ratio = (report['target_tokens_per_second'] as number) / (report['sentences_per_second'] as number);
    assert.ok(Math.abs(ratio - 13 / 3) < 1e-6, String(ratio));
    // At most 1 % from the 11,611,968 of `s2s bench --model lstm`.
    assert.equal(report['parameters'], 11_542_304);
    assert.ok(Math.abs(11_542_304 / 11_611_968 - 1) < 0.01);
  });

  test('work that it cannot do is a usage error', () => {
    for (const [args, said] of [
      [['--model', 'lstm-deep'], /invalid choice: 'lstm-deep'/],
      [['--dtype', 'bfloat16'], /invalid choice: 'bfloat16'/],
      [['--device', 'cuda'], /invalid choice: 'cuda'/],
    ] as const) {
      const { status, stderr } = peer(...args);
      assert.equal(status, 2, stderr);
      assert.match(stderr, said);
    }
  });
});

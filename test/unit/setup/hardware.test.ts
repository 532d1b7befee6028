import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { addonFile, opsAddon } from '../../../src/setup/addons.mjs';
import { limitedToAvx2, processorFlags } from '../../../src/setup/hardware.mjs';

const VARIABLE = 'ONEDNN_MAX_CPU_ISA';
let before: string | undefined;

beforeEach(() => {
  before = process.env[VARIABLE];
  delete process.env[VARIABLE];
});

afterEach(() => {
  if (before === undefined) delete process.env[VARIABLE];
  else process.env[VARIABLE] = before;
});

test('ONEDNN_MAX_CPU_ISA limits computations to AVX2', () => {
  for (const value of ['AVX2', 'avx2', 'AVX2_VNNI', 'AVX2_VNNI_2'])
    assert.ok(limitedToAvx2({ [VARIABLE]: value }), value);
  for (const value of [undefined, '', 'AVX512_CORE', 'ALL', 'DEFAULT', 'AVX', 'AVX21'])
    assert.ok(!limitedToAvx2(value === undefined ? {} : { [VARIABLE]: value }), value);
});

test('with a limit of AVX2 the processor has no AVX-512, and the custom ops are another file', () => {
  const all = processorFlags();
  const file = addonFile('folder', opsAddon());
  process.env[VARIABLE] = 'AVX2';
  assert.deepEqual(
    processorFlags(),
    all.filter((flag) => !flag.startsWith('avx512') && !flag.startsWith('amx')),
  );
  assert.ok(opsAddon().compilerFlags('').includes('-mno-avx512f'));
  assert.notEqual(addonFile('folder', opsAddon()), file);
});

import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { addonFile, opsAddon } from '../../../src/setup/addons.mjs';
import { bfloat16Aborts, instructionLimit, processorFlags } from '../../../src/setup/hardware.mjs';

const NAMES = ['ONEDNN_MAX_CPU_ISA', 'DNNL_MAX_CPU_ISA'] as const;
let before: readonly (string | undefined)[];

function set(name: string, value: string | undefined): void {
  if (value === undefined) delete process.env[name];
  else process.env[name] = value;
}

beforeEach(() => {
  before = NAMES.map((name) => process.env[name]);
  for (const name of NAMES) set(name, undefined);
});

afterEach(() => {
  for (const [index, name] of NAMES.entries()) set(name, before[index]);
});

test('the environment of oneDNN limits the instruction set', () => {
  for (const value of ['AVX2', 'avx2', 'AVX2_VNNI', 'AVX2_VNNI_2', 'AVX', 'SSE41'])
    assert.equal(instructionLimit({ ONEDNN_MAX_CPU_ISA: value }), 'avx2', value);
  for (const value of ['AVX512_CORE', 'AVX512_CORE_VNNI'])
    assert.equal(instructionLimit({ ONEDNN_MAX_CPU_ISA: value }), 'avx512', value);
  for (const value of ['', 'AVX512_CORE_BF16', 'AVX512_CORE_AMX', 'ALL', 'DEFAULT', 'AVX21'])
    assert.equal(instructionLimit({ ONEDNN_MAX_CPU_ISA: value }), undefined, value);
  assert.equal(instructionLimit({ DNNL_MAX_CPU_ISA: 'AVX2' }), 'avx2');
  assert.equal(instructionLimit({ ONEDNN_MAX_CPU_ISA: 'ALL', DNNL_MAX_CPU_ISA: 'AVX2' }), undefined);
});

test('the flags of the processor are those that the limit allows', () => {
  const all = processorFlags();
  set('ONEDNN_MAX_CPU_ISA', 'AVX2');
  const kept = (excluded: RegExp): string[] => all.filter((flag) => !excluded.test(flag));
  assert.deepEqual(processorFlags(), kept(/^(avx512|amx)/));
  assert.equal(bfloat16Aborts(), all.includes('avx512f'));
  set('ONEDNN_MAX_CPU_ISA', 'AVX512_CORE');
  assert.deepEqual(processorFlags(), kept(/^(avx512_bf16|avx512_fp16|amx)/));
  assert.equal(bfloat16Aborts(), false);
});

test('with a limit of AVX2, the custom ops are compiled without AVX-512 into another file', () => {
  const file = addonFile('folder', opsAddon());
  set('ONEDNN_MAX_CPU_ISA', 'AVX2');
  assert.ok(opsAddon().compilerFlags('').includes('-mno-avx512f'));
  assert.notEqual(addonFile('folder', opsAddon()), file);
});

import type { CommandModule } from 'yargs';
import type { Diagnosis } from '../runtime/diagnosis.js';
import { packageVersion } from '../version.js';
import { configIfGiven, withCommonOptions, withDeviceOption, type CommonArguments } from './options.js';
import { writeOutput } from './output.js';

interface DoctorArguments extends CommonArguments {
  readonly device: string | undefined;
  readonly json: boolean;
}

const LSTM_BY: Record<NonNullable<Diagnosis['recurrentLayers']>, string> = {
  custom: 'custom ops',
  cudnn: 'cuDNN',
  block: "TensorFlow's BlockLSTM",
  plain: 'unfused TensorFlow ops',
};

export const doctorCommand: CommandModule<object, DoctorArguments> = {
  command: 'doctor',
  describe: 'Show versions, devices and matrix product speed, and how to fix an installation',
  builder: (yargs) =>
    withDeviceOption(withCommonOptions(yargs))
      .option('json', { type: 'boolean', default: false, describe: 'Print the report as JSON' })
      .example('$0 doctor', 'check the installation')
      .example('$0 doctor --device gpu', 'check why the GPU is not used')
      .example('$0 doctor --config c.yaml', 'check the device of c.yaml')
      .example('$0 doctor --json', 'for a bug report'),
  handler: async (args) => {
    const config = await configIfGiven(args);
    const { diagnose } = await import('../runtime/diagnosis.js');
    const diagnosis = await diagnose(args.device ?? config?.device ?? 'auto', args.debug);
    await writeOutput(args.json ? `${JSON.stringify(asObject(diagnosis), undefined, 2)}\n` : describe(diagnosis));
    if (diagnosis.findings.some(({ broken }) => broken)) process.exitCode = 1;
  },
};

function describe(diagnosis: Diagnosis): string {
  const { processor, gpus, runtime, tensorflowVersion, tfjsVersion, recurrentLayers, timings, findings } = diagnosis;
  const rows: [label: string, text: string][] = [
    ['s2s', `${packageVersion()} on Node ${process.versions.node}, ${process.platform} ${process.arch}`],
    [
      'TensorFlow',
      tensorflowVersion === undefined ? 'not loaded' : `${tensorflowVersion} through tfjs-node ${tfjsVersion}`,
    ],
  ];
  if (runtime !== undefined) rows.push(['library', `${runtime.library.origin}, in ${runtime.library.directory}`]);
  rows.push(['processor', `${processor.model}, ${processor.cores} cores, ${processor.features.join(', ')}`]);
  for (const gpu of gpus) rows.push([`GPU ${gpu.index}`, describeGpu(gpu)]);
  if (gpus.length === 0) rows.push(['GPU', 'none found by the NVIDIA driver']);
  if (runtime !== undefined) {
    rows.push(['computes on', runtime.description]);
    rows.push([
      'precision',
      runtime.halfPrecision === undefined
        ? 'float32; no native bfloat16'
        : `float32, and ${runtime.halfPrecision} natively`,
    ]);
    rows.push(['custom ops', runtime.customOps ? 'loaded' : 'not loaded; TensorFlow ops are used']);
  }
  if (recurrentLayers !== undefined) rows.push(['LSTM layers', LSTM_BY[recurrentLayers]]);
  for (const [precision, timing] of Object.entries(timings)) {
    rows.push([
      `matmul ${precision}`,
      `1024 x 1024 x 1024 in ${timing.milliseconds.toFixed(1)} ms, ${Math.round(timing.gigaflops)} GFLOP/s`,
    ]);
  }
  const width = Math.max(...rows.map(([label]) => label.length)) + 2;
  const lines = rows.map(([label, text]) => `${label.padEnd(width)}${text}`);
  for (const { broken, text, remedy } of findings)
    lines.push(`\n${broken ? 'broken' : 'note'}: ${text}${remedy === undefined ? '' : `\n  ${remedy}`}`);
  if (!findings.some(({ broken }) => broken)) lines.push('\nEverything works.');
  return `${lines.join('\n')}\n`;
}

function describeGpu({ name, memoryMiB, capability, driver, number }: Diagnosis['gpus'][number]): string {
  const parts = [
    name,
    `${(memoryMiB / 1024).toFixed(1)} GiB`,
    `compute capability ${capability.toFixed(1)}`,
    `driver ${driver}`,
  ];
  if (number === 'hidden') parts.push('hidden by CUDA_VISIBLE_DEVICES');
  else if (number !== 'unknown') parts.push(`--device gpu:${number}`);
  return parts.join(', ');
}

/** The diagnosis for --json, with stable keys. */
function asObject({
  processor,
  gpus,
  runtime,
  tensorflowVersion,
  tfjsVersion,
  recurrentLayers,
  timings,
  findings,
}: Diagnosis): object {
  return {
    ok: !findings.some(({ broken }) => broken),
    versions: {
      s2s: packageVersion(),
      node: process.versions.node,
      tensorflow: tensorflowVersion ?? null,
      tfjsNode: tfjsVersion ?? null,
    },
    platform: `${process.platform}-${process.arch}`,
    library:
      runtime === undefined
        ? null
        : { variant: runtime.library.variant, origin: runtime.library.origin, directory: runtime.library.directory },
    processor,
    gpus,
    device:
      runtime === undefined
        ? null
        : { kind: runtime.kind, description: runtime.description, halfPrecision: runtime.halfPrecision ?? null },
    customOps: runtime?.customOps ?? false,
    recurrentLayers: recurrentLayers ?? null,
    matrixProduct: timings,
    findings,
  };
}

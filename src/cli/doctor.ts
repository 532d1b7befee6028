import type { CommandModule } from 'yargs';
import type { Diagnosis } from '../runtime/diagnosis.js';
import { packageVersion } from '../version.js';
import { configIfGiven, withCommonOptions, withDeviceOption, type CommonArguments } from './options.js';

interface DoctorArguments extends CommonArguments {
  readonly device: string | undefined;
  readonly json: boolean;
}

/** What computes LSTM layers, for people. */
const LSTM_BY: Record<NonNullable<Diagnosis['recurrentLayers']>, string> = {
  custom: 'custom ops',
  cudnn: 'cuDNN',
  block: "TensorFlow's BlockLSTM",
  plain: 'one step at a time',
};

/** `s2s doctor`: what is installed, what it computes on and how fast, and what to do about what is broken. */
export const doctorCommand: CommandModule<object, DoctorArguments> = {
  command: 'doctor',
  describe: 'Show versions and devices, compute a little, and say what to do when something is broken',
  builder: (yargs) =>
    withDeviceOption(withCommonOptions(yargs))
      .option('json', { type: 'boolean', default: false, describe: 'Print one object for programs' })
      .example('$0 doctor', 'is everything in order?')
      .example('$0 doctor --device gpu', 'why is the GPU not used?')
      .example('$0 doctor --config c.yaml', 'can the device be used that c.yaml asks for?')
      .example('$0 doctor --json', 'to attach to a report'),
  handler: async (args) => {
    const config = await configIfGiven(args);
    const { diagnose } = await import('../runtime/diagnosis.js');
    const diagnosis = await diagnose(args.device ?? config?.device ?? 'auto', args.debug);
    process.stdout.write(args.json ? `${JSON.stringify(asObject(diagnosis), undefined, 2)}\n` : describe(diagnosis));
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
  for (const gpu of gpus) {
    const choice = { hidden: ', hidden by CUDA_VISIBLE_DEVICES', unknown: '' };
    const number = typeof gpu.number === 'number' ? `, --device gpu:${gpu.number}` : choice[gpu.number];
    rows.push([
      `GPU ${gpu.index}`,
      `${gpu.name}, ${(gpu.memoryMiB / 1024).toFixed(1)} GiB, compute capability ${gpu.capability.toFixed(1)}, driver ${gpu.driver}${number}`,
    ]);
  }
  if (gpus.length === 0) rows.push(['GPU', 'none that the NVIDIA driver sees']);
  if (runtime !== undefined) {
    rows.push(['computes on', runtime.description]);
    rows.push([
      'precision',
      runtime.halfPrecision === undefined
        ? 'float32; bfloat16 has no hardware here'
        : `float32, and ${runtime.halfPrecision} natively`,
    ]);
    rows.push(['custom ops', runtime.customOps ? 'loaded' : "none, TensorFlow's own are used"]);
  }
  if (recurrentLayers !== undefined) rows.push(['LSTM layers', LSTM_BY[recurrentLayers]]);
  for (const [precision, timing] of Object.entries(timings)) {
    rows.push([
      `product ${precision}`,
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

/** The same for programs: field names are stable. */
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

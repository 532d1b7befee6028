import { S2sError } from '../errors.js';
import { TENSORFLOW_VERSION } from '../setup/wheels.mjs';
import { missingCudaLibraries } from './cuda-libraries.js';
import { describeProcessor, parseDevice, type Processor } from './device.js';
import { listGpus, type Gpu } from './gpus.js';
import { timeMatMul, type MatMulTiming } from './matmul-timing.js';
import { sequenceKernel } from './ops/lstm.js';
import type { Precision } from './policy.js';
import { loadTensorFlow, policyFor, type LoadedRuntime } from './tensorflow.js';
import { tf } from './tf.js';
import { tensorflowVersion } from './tensorflow-version.js';
import { gpuIsVisible, visibleGpus, type VisibleGpu } from './visible-gpus.js';

/** Something that is broken, or could be better. */
export interface Finding {
  /** Whether s2s cannot do what it was asked for. */
  readonly broken: boolean;
  readonly text: string;
  readonly remedy: string | undefined;
}

/** A GPU, and by which number `--device gpu:N` chooses it. */
export interface DiagnosedGpu extends Gpu {
  /** Its number among the GPUs that CUDA_VISIBLE_DEVICES shows; `unknown` where CUDA_DEVICE_ORDER does not tell. */
  readonly number: number | 'hidden' | 'unknown';
}

/** What `s2s doctor` finds. */
export interface Diagnosis {
  readonly processor: Processor;
  readonly gpus: readonly DiagnosedGpu[];
  /** Undefined where TensorFlow could not be loaded. */
  readonly runtime: LoadedRuntime | undefined;
  /** As the library itself gives it. */
  readonly tensorflowVersion: string | undefined;
  readonly tfjsVersion: string | undefined;
  /** What computes LSTMs; undefined where TensorFlow could not be loaded. */
  readonly recurrentLayers: ReturnType<typeof sequenceKernel> | undefined;
  readonly timings: Partial<Record<Precision, MatMulTiming>>;
  readonly findings: readonly Finding[];
}

/**
 * Looks at the devices, loads TensorFlow, computes a little, and says what is wrong.
 *
 * @param device `auto`, `cpu`, `gpu` or `gpu:N`
 * @throws UsageError `unknown-device`
 */
export async function diagnose(device: string, verbose: boolean): Promise<Diagnosis> {
  parseDevice(device);
  const processor = describeProcessor();
  const listed = listGpus();
  // Loading TensorFlow changes the variable.
  const visible = visibleGpus(process.env, listed);
  const showsGpu = listed.length > 0 ? visible.length > 0 : gpuIsVisible();
  const gpus = listed.map((gpu): DiagnosedGpu => ({ ...gpu, number: numberOf(gpu, visible) }));
  const findings: Finding[] = [];
  const broken = (text: string, remedy?: string): void => void findings.push({ broken: true, text, remedy });
  let runtime: LoadedRuntime;
  try {
    runtime = await loadTensorFlow({ device, verbose, tuneAllocator: true });
  } catch (error) {
    if (error instanceof S2sError) broken(error.message, error.hint);
    else
      broken(
        `TensorFlow could not be loaded: ${error instanceof Error ? error.message : String(error)}`,
        'Remove the cache folder of s2s and run: s2s setup',
      );
    return {
      processor,
      gpus,
      runtime: undefined,
      tensorflowVersion: undefined,
      tfjsVersion: undefined,
      recurrentLayers: undefined,
      timings: {},
      findings,
    };
  }
  const { library } = runtime;
  const version = tensorflowVersion();
  if (library.variant === 'package') {
    findings.push({
      broken: false,
      text: `TensorFlow ${version} is not the ${TENSORFLOW_VERSION} that s2s is tested with`,
      remedy: 'Run: s2s setup',
    });
  }
  const missing = missingCudaLibraries(library);
  if (missing.length > 0)
    broken(
      `CUDA libraries are missing: ${missing.join(', ')}`,
      `Remove ${library.directory} and run: s2s setup --cuda`,
    );
  if (runtime.kind === 'cpu' && device !== 'cpu' && showsGpu) {
    const isCuda = library.variant === 'cuda';
    broken(
      'there is a GPU, but TensorFlow does not use it',
      isCuda ? 'TF_CPP_MIN_LOG_LEVEL=0 s2s doctor shows why; --device cpu does without it.' : 'Run: s2s setup --cuda',
    );
  }
  if (!runtime.customOps && library.variant !== 'package' && runtime.kind === 'cpu') {
    findings.push({
      broken: false,
      text: `there are no custom ops, and training is slower without them: ${runtime.withoutCustomOps}`,
      remedy: undefined,
    });
  }
  const timings: Partial<Record<Precision, MatMulTiming>> = {};
  for (const precision of ['float32', runtime.halfPrecision ?? 'bfloat16'] as const) {
    try {
      const timing = timeMatMul(precision);
      timings[precision] = timing;
      if (!timing.correct)
        broken(
          `a matrix product in ${precision} has a wrong result`,
          'Please report this with the output of s2s doctor --json.',
        );
    } catch (error) {
      broken(`a matrix product in ${precision} failed: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  return {
    processor,
    gpus,
    runtime,
    tensorflowVersion: version,
    tfjsVersion: (tf.version as Record<string, string>)['tfjs-node'],
    recurrentLayers: sequenceKernel(policyFor('auto')),
    timings,
    findings,
  };
}

function numberOf(gpu: Gpu, visible: readonly VisibleGpu[]): DiagnosedGpu['number'] {
  const number = visible.findIndex((entry) => entry.gpu === gpu);
  if (number >= 0) return number;
  return visible.some((entry) => entry.gpu === undefined) ? 'unknown' : 'hidden';
}

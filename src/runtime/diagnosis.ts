import { S2sError } from '../errors.js';
import { bfloat16Aborts } from '../setup/hardware.mjs';
import { TENSORFLOW_VERSION } from '../setup/wheels.mjs';
import { missingCudaLibraries } from './cuda-libraries.js';
import { describeProcessor, parseDevice, type Processor } from './device.js';
import { listGpus, type Gpu } from './gpus.js';
import { timeMatMul, type MatMulTiming } from './matmul-timing.js';
import { sequenceKernel } from './ops/lstm.js';
import type { Precision } from './policy.js';
import { loadTensorFlow, policyFor, type LoadedRuntime } from './tensorflow.js';
import { tensorflowVersion, tf } from './tf.js';
import { gpuIsVisible, visibleGpus, type VisibleGpu } from './visible-gpus.js';

/** A problem with the installation, or a recommendation. */
export interface Finding {
  /** True for errors that make s2s unusable as requested, false for recommendations. */
  readonly broken: boolean;
  readonly text: string;
  readonly remedy: string | undefined;
}

/** A GPU and the index that selects it in `--device gpu:N`. */
export interface DiagnosedGpu extends Gpu {
  /** Index among the GPUs visible through CUDA_VISIBLE_DEVICES; `unknown` if CUDA_DEVICE_ORDER leaves it open. */
  readonly number: number | 'hidden' | 'unknown';
}

/** The result of `s2s doctor`. */
export interface Diagnosis {
  readonly processor: Processor;
  readonly gpus: readonly DiagnosedGpu[];
  /** Undefined if TensorFlow could not be loaded. */
  readonly runtime: LoadedRuntime | undefined;
  /** As reported by the library itself. */
  readonly tensorflowVersion: string | undefined;
  readonly tfjsVersion: string | undefined;
  /** Implementation of LSTM layers; undefined if TensorFlow could not be loaded. */
  readonly recurrentLayers: ReturnType<typeof sequenceKernel> | undefined;
  readonly timings: Partial<Record<Precision, MatMulTiming>>;
  readonly findings: readonly Finding[];
}

/**
 * Lists the devices, loads TensorFlow, times one matrix product per dtype, and collects all problems.
 *
 * @param device `auto`, `cpu`, `gpu` or `gpu:N`
 * @throws UsageError `unknown-device`
 */
export async function diagnose(device: string, verbose: boolean): Promise<Diagnosis> {
  parseDevice(device);
  const processor = describeProcessor();
  const listed = listGpus();
  // Before TensorFlow is loaded, which changes CUDA_VISIBLE_DEVICES.
  const visible = visibleGpus(process.env, listed);
  const hasVisibleGpu = listed.length > 0 ? visible.length > 0 : gpuIsVisible();
  const gpus = listed.map((gpu): DiagnosedGpu => ({ ...gpu, number: numberOf(gpu, visible) }));
  let runtime: LoadedRuntime;
  try {
    runtime = await loadTensorFlow({ device, verbose, tuneAllocator: true });
  } catch (error) {
    return {
      processor,
      gpus,
      runtime: undefined,
      tensorflowVersion: undefined,
      tfjsVersion: undefined,
      recurrentLayers: undefined,
      timings: {},
      findings: [loadingFailed(error)],
    };
  }
  const { timings, failures } = timeProducts(runtime);
  return {
    processor,
    gpus,
    runtime,
    tensorflowVersion: tensorflowVersion(),
    tfjsVersion: (tf.version as Record<string, string>)['tfjs-node'],
    recurrentLayers: sequenceKernel(policyFor('auto')),
    timings,
    findings: [...checkLibrary(runtime), ...checkDevice(runtime, device, hasVisibleGpu), ...failures],
  };
}

function broken(text: string, remedy?: string): Finding {
  return { broken: true, text, remedy };
}

function recommendation(text: string, remedy?: string): Finding {
  return { broken: false, text, remedy };
}

function loadingFailed(error: unknown): Finding {
  if (error instanceof S2sError) return broken(error.message, error.hint);
  const reason = error instanceof Error ? error.message : String(error);
  return broken(`TensorFlow could not be loaded: ${reason}`, 'Remove the cache folder of s2s and run: s2s setup');
}

function checkLibrary({ library }: LoadedRuntime): Finding[] {
  const findings: Finding[] = [];
  if (library.variant === 'package') {
    const text = `TensorFlow ${tensorflowVersion()} is not version ${TENSORFLOW_VERSION}, which s2s is tested with`;
    findings.push(recommendation(text, 'Run: s2s setup'));
  }
  const missing = missingCudaLibraries(library);
  if (missing.length > 0) {
    const remedy = `Remove ${library.directory} and run: s2s setup --cuda`;
    findings.push(broken(`CUDA libraries are missing: ${missing.join(', ')}`, remedy));
  }
  return findings;
}

function checkDevice(runtime: LoadedRuntime, device: string, hasVisibleGpu: boolean): Finding[] {
  const { library, kind, customOps, noCustomOpsReason } = runtime;
  const findings: Finding[] = [];
  if (kind === 'cpu' && device !== 'cpu' && hasVisibleGpu) {
    const remedy =
      library.variant === 'cuda'
        ? 'TF_CPP_MIN_LOG_LEVEL=0 s2s doctor shows why; --device cpu computes on the CPU.'
        : 'Run: s2s setup --cuda';
    findings.push(broken('a GPU is present, but TensorFlow does not use it', remedy));
  }
  if (kind === 'cpu' && !customOps && library.variant !== 'package')
    findings.push(recommendation(`training is slower without the custom ops: ${noCustomOpsReason}`));
  return findings;
}

function timeProducts({ halfPrecision }: LoadedRuntime): Pick<Diagnosis, 'timings'> & { failures: Finding[] } {
  const timings: Partial<Record<Precision, MatMulTiming>> = {};
  const failures: Finding[] = [];
  const half = halfPrecision ?? 'bfloat16';
  const precisions = half === 'bfloat16' && bfloat16Aborts() ? (['float32'] as const) : (['float32', half] as const);
  for (const precision of precisions) {
    try {
      const timing = timeMatMul(precision);
      timings[precision] = timing;
      if (timing.correct) continue;
      const remedy = 'Please report this with the output of s2s doctor --json.';
      failures.push(broken(`a matrix product in ${precision} has a wrong result`, remedy));
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      failures.push(broken(`a matrix product in ${precision} failed: ${reason}`));
    }
  }
  return { timings, failures };
}

function numberOf(gpu: Gpu, visible: readonly VisibleGpu[]): DiagnosedGpu['number'] {
  const number = visible.findIndex((entry) => entry.gpu === gpu);
  if (number >= 0) return number;
  return visible.some((entry) => entry.gpu === undefined) ? 'unknown' : 'hidden';
}

import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TrainedDecodingReport } from '../benchmark/decoding.js';
import { BENCHMARK_MODELS } from '../benchmark/models.js';
import { CONFIG_FILE } from '../config/save.js';
import type { BenchArguments } from './bench.js';

/** Whether --model names a run directory, and not a benchmark model. */
export function namesRun(model: string | undefined): boolean {
  return model !== undefined && !BENCHMARK_MODELS.includes(model) && existsSync(join(model, CONFIG_FILE));
}

/** Measures decoding with the best checkpoint of the run --model, on the sentences of --source. */
export async function timeTrainedRun(
  { model: runDirectory, source, output, device = 'auto', dtype = 'float32' }: BenchArguments,
  counts: { readonly steps: number; readonly warmup: number; readonly beamSize: number },
): Promise<TrainedDecodingReport> {
  const { idsOf, readTokenized } = await import('../benchmark/sentences.js');
  const sentences = await readTokenized(source!);
  const { loadTensorFlow } = await import('../runtime/tensorflow.js');
  await loadTensorFlow({ device, tuneAllocator: true });
  const { loadRun } = await import('../translation/load-run.js');
  const { model, tokenizers, config, close } = await loadRun(runDirectory!, 'best', { precision: dtype });
  try {
    const { lengthPenalty, batchTokens, maxLengthRatio, maxLengthMargin } = config.decoding;
    const { timeTrainedDecoding } = await import('../benchmark/decoding.js');
    const { report, hypotheses } = await timeTrainedDecoding({
      ...counts,
      name: runDirectory!,
      model,
      sources: idsOf(sentences, tokenizers.source),
      decoding: { lengthPenalty, batchTokens, maxLengthRatio, maxLengthMargin },
      device,
    });
    if (output !== undefined) {
      const lines = hypotheses.map(({ tokens }) => tokens.map((id) => tokenizers.target.tokenOf(id)).join(' '));
      await writeFile(output, lines.map((line) => `${line}\n`).join(''));
    }
    return report;
  } finally {
    close();
  }
}

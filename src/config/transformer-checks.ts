import type { LoadedConfig } from './file-schema.js';
import type { Report } from './problems.js';

type Data = LoadedConfig['data'];

/** Reports settings of a Transformer that contradict each other. `data` is undefined if it is not valid itself. */
export function checkTransformer(model: LoadedConfig['model'], data: Data | undefined, report: Report): void {
  const lengths = { encoder: data?.maxSourceLength, decoder: data?.maxTargetLength };
  for (const side of ['encoder', 'decoder'] as const) {
    const settings = model[side];
    if (settings.type !== 'transformer') continue;
    const { hiddenSize, heads, positions, maxPositions } = settings;
    const key = (name: string): string[] => ['model', side, name];
    const { embeddingSize } = model;
    if (hiddenSize !== 'auto' && embeddingSize !== 'auto' && hiddenSize !== embeddingSize) {
      report(key('hiddenSize'), {
        message: `is ${hiddenSize}, but a Transformer is as wide as its embeddings: model.embeddingSize is ${embeddingSize}.`,
        hint: 'Make them equal, or remove one of them.',
      });
    }
    if (hiddenSize !== 'auto' && heads !== 'auto' && hiddenSize % heads !== 0) {
      report(key('heads'), {
        message: `is ${heads}, which does not divide model.${side}.hiddenSize (${hiddenSize}).`,
        hint: 'Choose a divisor, or remove this key.',
      });
    }
    const length = lengths[side];
    if (positions === 'learned' && typeof length === 'number' && length >= maxPositions) {
      const limit = side === 'encoder' ? 'data.maxSourceLength' : 'data.maxTargetLength';
      report(key('maxPositions'), {
        message: `is ${maxPositions}, but ${limit} is ${length}, and each sentence also has a </s>.`,
        hint: `Set it to ${length + 1} or more, or lower ${limit}, or use positions: sinusoidal.`,
      });
    }
  }
}

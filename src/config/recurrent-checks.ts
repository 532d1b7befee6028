import type { LoadedConfig } from './file-schema.js';
import type { Report } from './problems.js';

type Model = LoadedConfig['model'];
type RecurrentEncoder = Exclude<Model['encoder'], { type: 'transformer' }>;
type RecurrentDecoder = Exclude<Model['decoder'], { type: 'transformer' }>;

/** Reports settings of recurrent layers and their attention that contradict each other. */
export function checkRecurrent({ encoder, decoder, embeddingSize }: Model, report: Report): void {
  if (encoder.type !== 'transformer') checkResidual('encoder', encoder, embeddingSize, report);
  if (decoder.type === 'transformer') return;
  checkResidual('decoder', decoder, embeddingSize, report);
  checkAttention(decoder, report);
  checkHeads(decoder, report);
}

function checkResidual(
  side: 'encoder' | 'decoder',
  { residualFrom, layers, hiddenSize }: RecurrentEncoder | RecurrentDecoder,
  embeddingSize: Model['embeddingSize'],
  report: Report,
): void {
  const key = ['model', side, 'residualFrom'];
  if (residualFrom === undefined) return;
  if (residualFrom > layers) {
    report(key, {
      message: `is ${residualFrom}, but model.${side}.layers is ${layers}, so that no layer has a residual connection.`,
      hint: `Set it to at most ${layers}, add layers, or remove it.`,
    });
  }
  if (residualFrom === 1 && hiddenSize !== 'auto' && embeddingSize !== 'auto' && hiddenSize !== embeddingSize) {
    report(key, {
      message:
        'is 1, which adds the embedding to the output of the first layer, but model.embeddingSize is ' +
        `${embeddingSize} and model.${side}.hiddenSize is ${hiddenSize}.`,
      hint: 'Set it to 2, or make the sizes equal.',
    });
  }
}

function checkAttention(decoder: RecurrentDecoder, report: Report): void {
  const { attention, contextLayers, coverage, coverageLoss, inputFeeding, layers } = decoder;
  const key = (name: string): string[] => ['model', 'decoder', name];
  if (attention === 'bahdanau' && inputFeeding) {
    report(key('inputFeeding'), {
      message: 'cannot be combined with attention bahdanau, whose context already is an input of the recurrence.',
      hint: 'Set it to false, or choose general, concat, scaled or dot.',
    });
  }
  if (contextLayers === 'all' && attention !== 'bahdanau') {
    report(key('contextLayers'), {
      message: `is all, but model.decoder.attention is ${attention}, whose context is no input of a layer.`,
      hint: 'Set model.decoder.attention to bahdanau, or remove this key.',
    });
  } else if (contextLayers === 'all' && layers === 1) {
    report(key('contextLayers'), {
      message: 'is all, but model.decoder.layers is 1.',
      hint: 'Add layers, or remove this key.',
    });
  }
  if (coverage && attention !== 'bahdanau' && attention !== 'concat') {
    report(key('coverage'), {
      message: `requires additive scores, but model.decoder.attention is ${attention}.`,
      hint: 'Set model.decoder.attention to bahdanau or concat, or this key to false.',
    });
  }
  if (coverageLoss > 0 && !coverage) {
    report(key('coverageLoss'), {
      message: `is ${coverageLoss}, but model.decoder.coverage is false.`,
      hint: 'Set model.decoder.coverage to true, or remove this key.',
    });
  }
}

function checkHeads({ attention, attentionHeads: heads, hiddenSize }: RecurrentDecoder, report: Report): void {
  if (heads === 1) return;
  const key = ['model', 'decoder', 'attentionHeads'];
  if (attention === 'none' || attention === 'dot') {
    const reason = attention === 'none' ? 'there is no attention' : 'it projects nothing that heads could share';
    report(key, {
      message: `is ${heads}, but model.decoder.attention is ${attention}: ${reason}.`,
      hint: 'Set it to 1, or choose general, scaled, concat or bahdanau.',
    });
  } else if (hiddenSize !== 'auto' && hiddenSize % heads !== 0) {
    report(key, {
      message: `is ${heads}, which does not divide model.decoder.hiddenSize (${hiddenSize}).`,
      hint: 'Change one of them.',
    });
  }
}

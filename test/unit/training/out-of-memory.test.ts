import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { S2sError } from '../../../src/errors.js';
import type { TrainableModel } from '../../../src/model/model.js';
import { loadTensorFlow } from '../../../src/runtime/tensorflow.js';
import { openTraining } from '../../../src/training/open.js';
import type { TrainingEvent } from '../../../src/training/events.js';
import { train } from '../../../src/training/train.js';
import { tinyConfig, writeTinyText } from '../../support/tiny-training.js';

/** An epoch has 6 batches of 4 sentences. */
const text = writeTinyText({ train: 24, dev: 6 });
after(() => text.remove());
before(async () => {
  await loadTensorFlow({ device: 'cpu' });
});

/** When memory runs out: at the `call`th call of this part of the model after the event of the given type. */
interface Case {
  readonly name: string;
  readonly part: 'teacherForcing' | 'decodeStep';
  readonly since: TrainingEvent['type'];
  readonly call: number;
  readonly message: RegExp;
  readonly hint: RegExp;
  readonly split: 'train' | 'dev';
}

const SHAPE = /a batch of (\d+) sentences x (\d+) source x (\d+) target tokens, the longest of which is this line$/
  .source;
const TRAINING_SHAPE = SHAPE.replace(', the longest', ', for which a training step needs about \\d+ MB, the longest');
const LINES = /a batch of at most 4096 source tokens with beam size 1, the longest of which is this line$/.source;
const CASES: readonly Case[] = [
  {
    name: 'in the dry run of the largest batch',
    part: 'teacherForcing',
    since: 'start',
    call: 1,
    message: new RegExp(`^out of memory in the dry run of the largest batch on the CPU .*, with ${TRAINING_SHAPE}`),
    hint: /^Lower training\.batch\.size/,
    split: 'train',
  },
  {
    name: 'in that of the largest dev batch',
    part: 'teacherForcing',
    since: 'start',
    call: 2,
    message: new RegExp(`^out of memory in the dry run of the largest dev batch on .*, with ${SHAPE}`),
    hint: /^Lower decoding\.batchTokens and/,
    split: 'dev',
  },
  {
    name: 'in that of a decoding',
    part: 'decodeStep',
    since: 'start',
    call: 1,
    message: new RegExp(`^out of memory in the dry run of the largest dev batch on .*, with ${LINES}`),
    hint: /^Lower decoding\.batchTokens and/,
    split: 'dev',
  },
  {
    name: 'in a step',
    part: 'teacherForcing',
    since: 'update',
    call: 1,
    message: new RegExp(`^out of memory in training step 2 on .*, with ${TRAINING_SHAPE}`),
    hint: /^Lower training\.batch\.size/,
    split: 'train',
  },
  {
    name: 'in a validation, under teacher forcing',
    part: 'teacherForcing',
    since: 'update',
    call: 6,
    message: new RegExp(`^out of memory in validation on .*, with ${SHAPE}`),
    hint: /^Lower decoding\.batchTokens and/,
    split: 'dev',
  },
  {
    name: 'in a validation, decoding',
    part: 'decodeStep',
    since: 'update',
    call: 1,
    message: new RegExp(`^out of memory in validation on .*, with ${LINES}`),
    hint: /^Lower decoding\.batchTokens and/,
    split: 'dev',
  },
];

for (const { name, part, since, call, message, hint, split } of CASES) {
  test(`running out of memory ${name} reports the batch and its longest line`, async () => {
    const run = await openTraining(tinyConfig(text, name, { training: { maxEpochs: 1 } }));
    let calls = 0;
    let begun = false;
    const counted = (): void => {
      // The error of TensorFlow, without its ten seconds of retries.
      if (begun && ++calls === call)
        throw new Error('Invalid TF_Status: 8\nMessage: OOM when allocating tensor with shape[64,8000] and type float');
    };
    const model = Object.assign(Object.create(run.model) as TrainableModel, {
      [part]: (...given: never[]) => {
        counted();
        return (run.model[part] as (...given: never[]) => unknown)(...given);
      },
    });
    await assert.rejects(
      async () => {
        try {
          for await (const event of train({ ...run, model })) begun ||= event.type === since;
        } finally {
          await run.close();
        }
      },
      (error: unknown) => {
        assert.ok(error instanceof S2sError && error.code === 'out-of-memory' && error.exitCode === 1, String(error));
        assert.match(error.message, message);
        assert.match(error.hint!, hint);
        const file = `${text.folder}/${split}.a`;
        assert.equal(error.place?.file, file);
        const words = readFileSync(file, 'utf8')
          .split('\n')
          .map((line) => line.split(' ').length);
        const sourceTime = message.exec(error.message)![2];
        assert.equal(
          words[error.place.line! - 1],
          sourceTime === undefined ? Math.max(...words) : Number(sourceTime) - 1,
        );
        return true;
      },
    );
  });
}

import type { Argv, CommandModule } from 'yargs';
import { configFromArguments, withCommonOptions, withDeviceOption, type CommonArguments } from './options.js';

export interface TrainArguments extends CommonArguments {
  readonly device: string | undefined;
  readonly runDir: string | undefined;
  readonly resume: boolean;
  readonly initializeFrom: string | undefined;
  readonly maxSteps: number | undefined;
  readonly maxEpochs: number | undefined;
  readonly maxMinutes: number | undefined;
  readonly addSteps: number | undefined;
}

/** `s2s train`: trains a model, the vocabulary first where it is missing or stale. */
export const trainCommand: CommandModule<object, TrainArguments> = {
  command: 'train',
  describe: 'Train a model into a run directory',
  builder: (yargs) =>
    withDeviceOption(withCommonOptions(yargs))
      .option('run-dir', {
        type: 'string',
        requiresArg: true,
        describe: 'Run directory; runDirectory of the configuration otherwise',
      })
      .option('resume', {
        type: 'boolean',
        default: false,
        describe: 'Continue the training in the run directory as if it had never stopped',
      })
      .option('initialize-from', {
        type: 'string',
        requiresArg: true,
        describe:
          'Start with the best weights and the tokenizers of another run directory; the optimiser starts afresh',
      })
      .option('max-steps', {
        type: 'number',
        requiresArg: true,
        describe: 'Stop at this update, counted from the first',
      })
      .option('max-epochs', {
        type: 'number',
        requiresArg: true,
        describe: 'Stop after this many passes over the data',
      })
      .option('max-minutes', {
        type: 'number',
        requiresArg: true,
        describe: 'Stop after this many minutes of training',
      })
      .option('add-steps', {
        type: 'number',
        requiresArg: true,
        describe: 'With --resume: train this many updates more, other limits aside',
      })
      .example('$0 train --config c.yaml', 'train as c.yaml says')
      .example('$0 train --config c.yaml --resume', 'go on after an interruption')
      .example(
        '$0 train --config c.yaml --run-dir runs/tuned --initialize-from runs/base',
        'fine-tune the model of another run',
      )
      .example(
        '$0 train --config c.yaml --run-dir runs/b --set training.optimizer.learningRate=0.0005',
        'try a variation',
      ) as unknown as Argv<TrainArguments>,
  handler: async (args) => {
    const config = await configFromArguments(args, {
      device: args.device,
      runDirectory: args.runDir,
      'training.maxSteps': args.maxSteps,
      'training.maxEpochs': args.maxEpochs,
      'training.maxMinutes': args.maxMinutes,
    });
    const { runTraining } = await import('./run-training.js');
    await runTraining(config, args);
  },
};

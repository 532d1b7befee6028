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

export const trainCommand: CommandModule<object, TrainArguments> = {
  command: 'train',
  describe: 'Train a model, and its vocabulary if needed, into a run directory',
  builder: (yargs) =>
    withDeviceOption(withCommonOptions(yargs))
      .option('run-dir', {
        type: 'string',
        requiresArg: true,
        describe: 'Run directory; overrides runDirectory',
      })
      .option('resume', {
        type: 'boolean',
        default: false,
        describe: 'Resume the training in the run directory',
      })
      .option('initialize-from', {
        type: 'string',
        requiresArg: true,
        describe:
          'Initialise with the best weights and the tokenizers of another run, but not with its optimiser state',
      })
      .option('max-steps', {
        type: 'number',
        requiresArg: true,
        describe: 'Maximum number of updates',
      })
      .option('max-epochs', {
        type: 'number',
        requiresArg: true,
        describe: 'Maximum number of passes over the training data',
      })
      .option('max-minutes', {
        type: 'number',
        requiresArg: true,
        describe: 'Maximum training time in minutes',
      })
      .option('add-steps', {
        type: 'number',
        requiresArg: true,
        describe: 'With --resume: train for this many more updates, ignoring other limits',
      })
      .example('$0 train --config c.yaml', 'train the model of c.yaml')
      .example('$0 train --config c.yaml --resume', 'resume after an interruption')
      .example(
        '$0 train --config c.yaml --run-dir runs/tuned --initialize-from runs/base',
        'fine-tune the model of another run',
      )
      .example(
        '$0 train --config c.yaml --run-dir runs/b --set training.optimizer.learningRate=0.0005',
        'override a setting',
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

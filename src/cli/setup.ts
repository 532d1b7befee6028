import type { CommandModule } from 'yargs';
import { S2sError, systemError } from '../errors.js';
import { SetupError } from '../setup/failure.mjs';
import { withCommonOptions, type CommonArguments } from './options.js';

interface SetupArguments extends CommonArguments {
  readonly cuda: boolean | undefined;
  readonly cpu: boolean | undefined;
}

export const setupCommand: CommandModule<object, SetupArguments> = {
  command: 'setup',
  describe: 'Install the native TensorFlow library into your cache directory, once for all projects',
  builder: (yargs) =>
    withCommonOptions(yargs)
      .option('cuda', {
        type: 'boolean',
        describe: 'Install the build for NVIDIA GPUs, with its CUDA libraries (3.3 GB to download, 6 GB on disk)',
      })
      .option('cpu', { type: 'boolean', describe: 'Install the build for CPUs only' })
      .conflicts('cuda', 'cpu')
      .example('$0 setup', 'the CUDA build if there is an NVIDIA GPU, else the CPU build')
      .example('S2S_CACHE=/scratch/s2s $0 setup', 'on another disk (set S2S_CACHE for all other commands, too)'),
  handler: async (args) => {
    const [{ setUpNative }, { stderrReporter }] = await Promise.all([
      import('../setup/native.mjs'),
      import('../setup/reporter.mjs'),
    ]);
    const reporter = stderrReporter();
    try {
      const { folder, changed, noOpsReason } = await setUpNative({
        variant: args.cuda === true ? 'cuda' : args.cpu === true ? 'cpu' : undefined,
        reporter,
      });
      if (noOpsReason !== undefined) reporter.say(`warning: training is slower without the custom ops: ${noOpsReason}`);
      reporter.say(`TensorFlow is ${changed ? 'installed' : 'already installed'}: ${folder}`);
      reporter.say('s2s doctor shows what it computes on.');
    } catch (error) {
      if (error instanceof SetupError)
        throw new S2sError(error.code, error.message, { hint: error.hint, cause: error.cause });
      throw systemError(error, { hint: 'S2S_CACHE=DIR sets another cache folder.' });
    } finally {
      reporter.end();
    }
  },
};

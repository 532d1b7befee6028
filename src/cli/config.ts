import type { CommandModule } from 'yargs';
import { configFromArguments, withCommonOptions, type CommonArguments } from './options.js';
import { writeOutput } from './output.js';

interface ConfigArguments extends CommonArguments {
  readonly print: boolean;
  readonly schema: boolean;
}

export const configCommand: CommandModule<object, ConfigArguments> = {
  command: 'config',
  describe: 'Validate a configuration, print it with all defaults, or print the JSON Schema',
  builder: (yargs) =>
    withCommonOptions(yargs)
      .option('print', {
        type: 'boolean',
        default: false,
        describe: 'Print the configuration with all defaults as YAML',
      })
      .option('schema', {
        type: 'boolean',
        default: false,
        describe: 'Print the JSON Schema of configuration files, for editors',
      })
      .example('$0 config --config c.yaml', 'validate c.yaml, and check that its data files exist')
      .example('$0 config --config c.yaml --print --set seed=7', 'the configuration with all defaults')
      .example('$0 config --schema > s2s.schema.json', 'a schema file for an editor'),
  handler: async (args) => {
    if (args.schema) {
      const { jsonSchema } = await import('../config/file-schema.js');
      await writeOutput(`${JSON.stringify(jsonSchema(), undefined, 2)}\n`);
      return;
    }
    const config = await configFromArguments(args);
    if (args.print) {
      const { formatConfig } = await import('../config/save.js');
      await writeOutput(formatConfig(config));
    } else {
      process.stderr.write(`${args.config}: valid configuration\n`);
    }
  },
};

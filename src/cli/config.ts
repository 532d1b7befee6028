import type { CommandModule } from 'yargs';
import { configFromArguments, withCommonOptions, type CommonArguments } from './options.js';

interface ConfigArguments extends CommonArguments {
  readonly print: boolean;
  readonly schema: boolean;
}

/** `s2s config`: checks a configuration, prints it resolved, or prints the schema. */
export const configCommand: CommandModule<object, ConfigArguments> = {
  command: 'config',
  describe: 'Check a configuration, print it with all defaults, or print its JSON Schema',
  builder: (yargs) =>
    withCommonOptions(yargs)
      .option('print', { type: 'boolean', default: false, describe: 'Print the resolved configuration as YAML' })
      .option('schema', {
        type: 'boolean',
        default: false,
        describe: 'Print the JSON Schema of configurations, for editors',
      })
      .example('$0 config --config c.yaml', 'check c.yaml, data files included')
      .example('$0 config --config c.yaml --print --set seed=7', 'the configuration as training would see it')
      .example('$0 config --schema > s2s.schema.json', 'the schema for an editor'),
  handler: async (args) => {
    if (args.schema) {
      const { jsonSchema } = await import('../config/json-schema.js');
      process.stdout.write(`${JSON.stringify(jsonSchema(), undefined, 2)}\n`);
      return;
    }
    const config = await configFromArguments(args);
    if (args.print) {
      const { formatConfig } = await import('../config/save.js');
      process.stdout.write(formatConfig(config));
    } else {
      process.stderr.write(`${args.config}: no mistakes found\n`);
    }
  },
};

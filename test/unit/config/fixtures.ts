import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { ASSUMED_FACTS, resolveConfig } from '../../../src/auto/resolve.js';
import { ConfigError, loadConfig, type LoadOptions } from '../../../src/config/load.js';
import type { LoadedConfig } from '../../../src/config/file-schema.js';
import type { Config } from '../../../src/config/schema.js';
import { formatPlace } from '../../../src/errors.js';

/** A temporary directory of configurations and their (empty) data files, removed after the tests. */
export class ConfigFolder {
  readonly path = mkdtempSync(join(tmpdir(), 's2s-config-'));

  constructor() {
    after(() => rmSync(this.path, { recursive: true }));
    for (const name of ['train.a', 'train.b', 'dev.a', 'dev.b', 'all.tsv']) this.write(name, '');
  }

  /** Writes a file and returns its path. */
  write(name: string, content: string | Uint8Array): string {
    const file = join(this.path, name);
    writeFileSync(file, content);
    return file;
  }

  /** Loads a configuration from its text. */
  load(text: string, options: LoadOptions = {}, name = 'c.yaml'): LoadedConfig {
    return loadConfig({ environment: {}, ...options, file: this.write(name, text) });
  }

  /** Loads a configuration from its text, with the values for a text that cannot be counted where it has `auto`. */
  resolve(text: string): Config {
    return resolveConfig(this.load(text), ASSUMED_FACTS, 'cpu').config;
  }

  /** All problems of a configuration, as `line: key: message hint`; with the file name first for other files. */
  problems(text: string, options: LoadOptions = {}, name = 'c.yaml'): string[] {
    try {
      this.load(text, options, name);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      return error.problems.map(({ place, message, hint }) => {
        const position = formatPlace(place).replace(`${join(this.path, name)}:`, '');
        return [`${position}:`, message, ...(hint === undefined ? [] : [hint])].join(' ').trimStart();
      });
    }
    return [];
  }
}

/** The required settings, in three lines. */
export const DATA = `data:
  train: [{ source: train.a, target: train.b }]
  dev: [{ source: dev.a, target: dev.b }]
`;

import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, test } from 'node:test';
import { parse } from 'yaml';
import yargs, { type CommandModule } from 'yargs';
import { benchCommand } from '../../../src/cli/bench.js';
import { buildVocabCommand } from '../../../src/cli/build-vocab.js';
import { configCommand } from '../../../src/cli/config.js';
import { doctorCommand } from '../../../src/cli/doctor.js';
import { evalCommand } from '../../../src/cli/eval.js';
import { initCommand } from '../../../src/cli/init.js';
import { setupCommand } from '../../../src/cli/setup.js';
import { tokenizeCommand } from '../../../src/cli/tokenize.js';
import { trainCommand } from '../../../src/cli/train.js';
import { translateCommand } from '../../../src/cli/translate.js';
import { keysAt } from '../../../src/config/keys.js';
import { configSchema } from '../../../src/config/schema.js';
import * as api from '../../../src/index.js';

const GUIDES = ['README.md', ...readdirSync('docs').map((name) => `docs/${name}`)];
const PAGES = [...GUIDES, 'CHANGELOG.md', 'corpora/README.md'];
const textOf = (page: string): string => readFileSync(page, 'utf8');

interface CodeBlock {
  readonly page: string;
  /** Line of the page, from 1. */
  readonly line: number;
  /** Empty for indented blocks. */
  readonly language: string;
  readonly text: string;
}

/** Fenced and indented code blocks. */
function codeBlocks(page: string): CodeBlock[] {
  const blocks: { language: string; line: number; lines: string[] }[] = [];
  let fence: string | undefined;
  let inBlock = false;
  for (const [index, line] of textOf(page).split('\n').entries()) {
    const opening = /^```(\w*)$/.exec(line);
    if (opening !== null) {
      fence = fence === undefined ? opening[1]! : undefined;
      if (fence !== undefined) blocks.push({ language: fence, line: index + 2, lines: [] });
      inBlock = false;
    } else if (fence !== undefined) {
      blocks.at(-1)!.lines.push(line);
    } else if (line.startsWith('    ')) {
      if (!inBlock) blocks.push({ language: '', line: index + 1, lines: [] });
      blocks.at(-1)!.lines.push(line.slice(4));
      inBlock = true;
    } else {
      inBlock = false;
    }
  }
  return blocks.map(({ lines, ...block }) => ({ page, ...block, text: lines.join('\n') }));
}

/** Markdown without code blocks and inline code. */
function proseOf(page: string): string {
  return textOf(page)
    .replace(/^```[\s\S]*?^```$/gm, '')
    .replace(/^ {4}.*$/gm, '')
    .replace(/`[^`\n]*`/g, (code) => `\`${'x'.repeat(code.length - 2)}\``);
}

/** Anchors of the headings of a page, as GitHub makes them. */
function anchorsOf(page: string): string[] {
  const seen = new Map<string, number>();
  const text = textOf(page).replace(/^```[\s\S]*?^```$/gm, '');
  return [...text.matchAll(/^#{1,6} (.*)$/gm)].map(([, title]) => {
    const slug = title!
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\p{M}_ -]/gu, '')
      .replaceAll(' ', '-');
    const earlier = seen.get(slug) ?? 0;
    seen.set(slug, earlier + 1);
    return earlier === 0 ? slug : `${slug}-${earlier}`;
  });
}

/** Inline code of a page, without its backticks. */
function inlineCode(page: string): string[] {
  const text = textOf(page).replace(/^```[\s\S]*?^```$/gm, '');
  return [...text.matchAll(/`([^`\n]+)`/g)].map(([, code]) => code!);
}

const COMMANDS = new Map(
  Object.entries({
    tokenize: tokenizeCommand,
    'build-vocab': buildVocabCommand,
    train: trainCommand,
    eval: evalCommand,
    translate: translateCommand,
    config: configCommand,
    init: initCommand,
    setup: setupCommand,
    bench: benchCommand,
    doctor: doctorCommand,
  }) as unknown as [string, CommandModule][],
);

/** Command lines of s2s in a text, as words after `s2s`. Comments, pipes and redirections end a command. */
function commandLines(text: string): string[][] {
  return text.split('\n').flatMap((line) => {
    if (line.startsWith('error:')) return [];
    const words = (line.match(/'[^']*'|"[^"]*"|[<>|]|[^\s<>|'"]+/g) ?? []).map((word) =>
      word.replace(/^['"]|['"]$/g, ''),
    );
    const comment = words.findIndex((word) => word.startsWith('#'));
    const commands: string[][] = [];
    let current: string[] | undefined;
    for (const word of comment === -1 ? words : words.slice(0, comment)) {
      if (/^[<>|]$/.test(word)) current = undefined;
      else if (current === undefined && word === 's2s') commands.push((current = []));
      else current?.push(word);
    }
    return commands;
  });
}

/**
 * Parses a command line without running it. Throws on an unknown option, a missing value or a value that is no choice.
 */
async function parseCommand([name = '', ...words]: readonly string[]): Promise<Record<string, unknown>> {
  const command = COMMANDS.get(name);
  assert.ok(command !== undefined, `there is no command ${name}`);
  let parsed: Record<string, unknown> | undefined;
  await yargs([name, ...words])
    .command({ ...command, handler: (args) => void (parsed = args) })
    .strictOptions()
    .exitProcess(false)
    .fail((message, error) => {
      throw error ?? new Error(message);
    })
    .parseAsync();
  return parsed ?? {};
}

/** Asserts that a dotted key is a setting or a group of settings. */
function assertSetting(key: string, where: string): void {
  const path = key.split('.').map((part) => (/^(\d+|N)$/.test(part) ? 0 : part));
  for (const [depth, part] of path.entries()) {
    if (part !== 0) assert.ok(keysAt(path.slice(0, depth)).includes(part), `${where}: ${key} is not a setting`);
  }
}

/** Settings of earlier versions, which pages name to say where they are now. */
const MOVED = new Set(['model.architecture', 'model.attention', 'model.bridge', 'model.dropout.layers']);

/** Dotted words that begin with a section of the configuration, file names excepted. */
function isSettingKey(code: string): boolean {
  const [section = ''] = code.split('.');
  return /^\w+(\.\w+)+$/.test(code) && section in configSchema.shape && !/\.(json|safetensors)$/.test(code);
}

test('README has at most 150 lines', () => {
  const lines = textOf('README.md').trimEnd().split('\n').length;
  assert.ok(lines <= 150, `${lines} lines`);
});

describe('every relative link leads to a file, and every anchor to a heading', () => {
  for (const page of PAGES) {
    test(page, () => {
      const links = [...proseOf(page).matchAll(/\[[^\]]*\]\(([^)\s]+)\)/g)].map(([, target]) => target!);
      for (const target of links.filter((link) => !/^https?:/.test(link))) {
        const [path = '', anchor] = target.split('#');
        const file = path === '' ? page : normalize(join(dirname(page), path));
        assert.ok(existsSync(file), `${page} links to ${target}: there is no ${file}`);
        if (anchor === undefined) continue;
        assert.ok(
          statSync(file).isFile() && anchorsOf(file).includes(anchor),
          `${page} links to ${target}: no such heading`,
        );
      }
    });
  }

  test('README links to every page', () => {
    const text = textOf('README.md');
    for (const page of GUIDES.slice(1)) assert.ok(text.includes(`](${page})`), page);
  });
});

describe('what the pages show can be typed', () => {
  const blocks = GUIDES.flatMap(codeBlocks);

  test('command lines of s2s', async () => {
    const inline = GUIDES.flatMap((page) => inlineCode(page).map((text) => ({ page, text })));
    let count = 0;
    for (const { page, text } of [...blocks, ...inline]) {
      for (const words of commandLines(text)) {
        if (words.length === 0 || words[0]!.startsWith('-')) continue;
        const where = `${page}: s2s ${words.join(' ')}`;
        const { set = [] } = (await parseCommand(words).catch((error: Error) =>
          assert.fail(`${where}: ${error.message}`),
        )) as { set?: readonly string[] };
        for (const setting of set) assertSetting(setting.split('=')[0]!, where);
        count++;
      }
    }
    assert.ok(count >= 30, `${count} command lines`);
  });

  test('a wrong command line is noticed', async () => {
    const parse = (line: string) => parseCommand(commandLines(line)[0]!);
    await assert.rejects(parse('npx s2s train --confg c.yaml'));
    await assert.rejects(parse('npx s2s bench --dtype float64'));
    await assert.rejects(parse('cat x | s2s trian --config c.yaml'));
    assert.throws(() => assertSetting('model.attention', ''));
  });

  test('options and settings in inline code', async () => {
    // The last one is an option of npm.
    const known = new Set(['help', 'version', 'ignore-scripts']);
    for (const name of COMMANDS.keys()) {
      const parser = yargs([]);
      const { builder } = COMMANDS.get(name)!;
      if (typeof builder === 'function') await builder(parser);
      const { key } = (parser as unknown as { getOptions(): { key: object } }).getOptions();
      for (const option of Object.keys(key)) known.add(option);
    }
    for (const page of GUIDES) {
      for (const code of inlineCode(page)) {
        const where = `${page}: ${code}`;
        if (isSettingKey(code) && !MOVED.has(code)) assertSetting(code, where);
        if (/^(npm|pip|node|curl)\b/.test(code)) continue;
        for (const [, option] of code.matchAll(/(?:^| )--([a-z][a-z-]*)/g)) assert.ok(known.has(option!), where);
      }
    }
  });

  test('scripts of npm', () => {
    const { scripts } = JSON.parse(textOf('package.json')) as { scripts: Record<string, string> };
    for (const page of GUIDES) {
      for (const [command, name] of textOf(page).matchAll(/npm run ([\w-]+)/g)) {
        assert.ok(scripts[name!] !== undefined, `${page}: ${command}`);
      }
    }
  });

  test('configurations', () => {
    const configurations = blocks.filter(({ language }) => language === 'yaml');
    assert.ok(configurations.length > 0);
    for (const { page, line, text } of configurations) {
      // An example of some settings may leave out the corpora.
      const { error } = configSchema.safeParse({ data: { train: [{}], dev: [{}] }, ...(parse(text) as object) });
      assert.equal(error, undefined, `${page}:${line}: ${error?.message}`);
    }
  });
});

test('docs/api.md names every function of the API', () => {
  const page = textOf('docs/api.md');
  for (const name of Object.keys(api)) assert.ok(page.includes(`\`${name}\``), name);
});

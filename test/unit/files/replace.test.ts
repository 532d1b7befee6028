import assert from 'node:assert/strict';
import { fork, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { temporaryName } from '../../../src/files/temporary-files.mjs';
import { replaceFile, replaceFileSync } from '../../../src/files/replace.mjs';
import { Random } from '../../../src/random.js';

const root = mkdtempSync(join(tmpdir(), 's2s-files-'));
after(() => rmSync(root, { recursive: true, force: true }));

function newFolder(): string {
  return mkdtempSync(join(root, 'folder-'));
}

test('a file is created, replaced and streamed, with default permissions', async () => {
  const folder = newFolder();
  const file = join(folder, 'a.txt');
  const before = process.umask(0o027);
  try {
    await replaceFile(file, 'one');
    assert.equal(statSync(file).mode & 0o777, 0o640);
  } finally {
    process.umask(before);
  }
  replaceFileSync(file, 'two');
  assert.equal(readFileSync(file, 'utf8'), 'two');
  await replaceFile(file, async (draft) => {
    for (const piece of ['th', 'ree']) await draft.write(piece);
    assert.equal(readFileSync(file, 'utf8'), 'two', 'not before all is written');
  });
  assert.equal(readFileSync(file, 'utf8'), 'three');
  assert.deepEqual(readdirSync(folder), ['a.txt']);
});

test('a failure leaves the old file and no temporary file', async () => {
  const folder = newFolder();
  const file = join(folder, 'a.txt');
  await replaceFile(file, 'old');
  const full = async (draft: { write(text: string): Promise<unknown> }): Promise<void> => {
    await draft.write('half');
    throw new Error('disk full');
  };
  await assert.rejects(replaceFile(file, full), /disk full/);
  mkdirSync(join(folder, 'taken', 'by'), { recursive: true });
  assert.throws(() => replaceFileSync(join(folder, 'taken'), 'text'));
  await assert.rejects(replaceFile(join(folder, 'taken'), 'text'));
  assert.deepEqual(readdirSync(folder).sort(), ['a.txt', 'taken']);
  assert.equal(readFileSync(file, 'utf8'), 'old');
});

test('concurrent writers of a file leave the content of one of them', async () => {
  const file = join(newFolder(), 'a.txt');
  const texts = Array.from({ length: 20 }, (_, i) => String(i).repeat(10_000));
  await Promise.all(
    texts.map((text, i) =>
      i % 2 === 0 ? replaceFile(file, text) : Promise.resolve().then(() => replaceFileSync(file, text)),
    ),
  );
  assert.ok(texts.includes(readFileSync(file, 'utf8')));
});

test('a killed writer leaves the old or the new file, and the next process deletes its temporary files', async () => {
  const folder = newFolder();
  const program = join(folder, 'writer.mjs');
  const url = new URL('../../../src/files/replace.mjs', import.meta.url).href;
  writeFileSync(
    program,
    `import { replaceFile, replaceFileSync } from ${JSON.stringify(url)};
    const [, , folder] = process.argv;
    for (let i = 0; ; i++) {
      const text = String(i % 10).repeat(300_000);
      await replaceFile(folder + '/text', text);
      replaceFileSync(folder + '/sync', text);
      await replaceFile(folder + '/stream', async (draft) => {
        for (let start = 0; start < text.length; start += 50_000) await draft.write(text.slice(start, start + 50_000));
      });
      if (i === 0) process.send('begun');
    }`,
  );
  const random = new Random(5);
  const target = join(folder, 'data');
  mkdirSync(target);
  let drafts = 0;
  for (let round = 0; round < 16; round++) {
    const child = fork(program, [target], { execArgv: [] });
    const ended = new Promise((resolve) => child.once('exit', resolve));
    await new Promise((resolve) => child.once('message', resolve));
    await sleep(random.integer(30));
    child.kill('SIGKILL');
    await ended;
    for (const name of readdirSync(target)) {
      if (name.endsWith('.draft')) drafts++;
      else assert.match(readFileSync(join(target, name), 'utf8'), /^(\d)\1{299999}$/, name);
    }
  }
  assert.ok(drafts > 0, 'no kill came while a draft was being written');
  await replaceFile(join(target, 'text'), 'end');
  assert.deepEqual(readdirSync(target).sort(), ['stream', 'sync', 'text']);
});

test('temporary files of living processes and other files are not deleted', async () => {
  const folder = newFolder();
  const own = temporaryName(join(folder, 'a.txt'));
  const dead = own.replace(`-${process.pid}-`, `-${spawnSync(process.execPath, ['-e', '']).pid}-`);
  const reused = own.replace(/-\d+-([0-9a-f]{8}\.draft)$/, '-1-$1');
  for (const file of [own, dead, reused, join(folder, '.b.draft'), join(folder, 'c.draft')]) writeFileSync(file, '');
  await replaceFile(join(folder, 'a.txt'), 'text');
  const left = readdirSync(folder);
  assert.ok(left.includes('.b.draft') && left.includes('c.draft') && left.includes('a.txt'));
  assert.ok(left.includes(basename(own)));
  assert.ok(!left.includes(basename(dead)));
  if (process.platform === 'linux') assert.ok(!left.includes(basename(reused)), 'a younger process has the pid');
});

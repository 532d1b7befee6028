import assert from 'node:assert/strict';
import { fork, spawn, spawnSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startHeartbeat } from '../../../src/files/heartbeat.mjs';
import { tryLock } from '../../../src/files/lock.mjs';
import { ownIdentity, type ProcessIdentity } from '../../../src/files/process-identity.mjs';

const root = mkdtempSync(join(tmpdir(), 's2s-lock-'));
after(() => rmSync(root, { recursive: true, force: true }));
const onLinux = { skip: process.platform !== 'linux' };

/** Creates the lock file of another process. */
function lockOf(owner: Partial<ProcessIdentity>, ageSeconds = 0): string {
  const file = join(mkdtempSync(join(root, 'folder-')), 'x.lock');
  writeFileSync(file, JSON.stringify({ id: 'x', ...ownIdentity(), ...owner }));
  const time = Date.now() / 1000 - ageSeconds;
  utimesSync(file, time, time);
  return file;
}

async function isTaken(file: string): Promise<boolean> {
  const { lock } = await tryLock(file);
  if (lock === undefined) return false;
  assert.ok((await tryLock(file)).lock === undefined, 'locked now');
  await lock.release();
  assert.deepEqual(readdirSync(join(file, '..')), []);
  return true;
}

test('a reused pid does not hold a lock', onLinux, async () => {
  assert.equal(await isTaken(lockOf({ pid: process.ppid, started: '1' })), true);
  assert.equal(await isTaken(lockOf({ started: '1' })), true, 'our own pid');
  assert.equal(await isTaken(lockOf({})), false, 'this very process');
});

test('a zombie process does not hold a lock', onLinux, async () => {
  // exec replaces the shell by a program that never waits for its children.
  const parent = spawn('sh', ['-c', 'sleep 60 & echo $!; exec sleep 60']);
  try {
    const pid = Number(await new Promise((resolve) => parent.stdout.once('data', (data) => resolve(String(data)))));
    const file = lockOf({ pid, started: undefined });
    assert.equal(await isTaken(file), false);
    process.kill(pid, 'SIGKILL');
    await sleep(50);
    assert.equal(await isTaken(file), true);
  } finally {
    parent.kill('SIGKILL');
  }
});

test('processes of other machines hold a lock while they have a heartbeat', async () => {
  const dead = spawnSync(process.execPath, ['-e', '']).pid;
  for (const owner of [{ host: 'elsewhere' }, { boot: 'another' }, { namespace: 'pid:[1]' }]) {
    assert.equal(await isTaken(lockOf({ pid: dead, ...owner })), false, JSON.stringify(owner));
    assert.equal(
      await isTaken(lockOf({ pid: dead, ...owner }, 600)),
      true,
      `${JSON.stringify(owner)} without heartbeat`,
    );
  }
});

test('the heartbeat updates the modification time while the main thread is busy, and stops', async () => {
  const file = lockOf({}, 600);
  const text = readFileSync(file, 'utf8');
  const end = startHeartbeat(file, text, 20);
  await sleep(300);
  const first = statSync(file).mtimeMs;
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
  const second = statSync(file).mtimeMs;
  assert.ok(Date.now() - first < 60_000 && second > first);
  await end();
  const last = statSync(file).mtimeMs;
  await sleep(100);
  assert.equal(statSync(file).mtimeMs, last);
  assert.equal(readFileSync(file, 'utf8'), text);
});

test('a lock without valid content is taken over after a timeout', async () => {
  for (const text of ['', '{"pid":1}']) {
    const file = lockOf({}, 10);
    writeFileSync(file, text);
    const started = Date.now();
    assert.equal(await isTaken(file), true);
    assert.ok(Date.now() - started > 1000, 'its writer had time');
  }
});

test('files left by a crash during a takeover are harmless', async () => {
  const pid = spawnSync(process.execPath, ['-e', '']).pid;
  const program = `import { readdirSync, renameSync } from 'node:fs';
    import fs from 'node:fs';
    import { syncBuiltinESMExports } from 'node:module';
    fs.renameSync = () => process.kill(process.pid, 'SIGKILL');
    syncBuiltinESMExports();
    const { tryLock } = await import(${JSON.stringify(new URL('../../../src/files/lock.mjs', import.meta.url).href)});
    await tryLock(process.argv[1]);`;
  const file = lockOf({ pid, started: undefined });
  for (let crash = 0; crash < 3; crash++) {
    const { signal, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program, file], {
      encoding: 'utf8',
    });
    assert.equal(signal, 'SIGKILL', stderr);
  }
  assert.ok(
    readdirSync(join(file, '..')).some((name) => name.includes('takeover')),
    'the crashes left claims',
  );
  assert.equal(await isTaken(file), true);
});

test('concurrent processes, some of them killed while they hold the lock, exclude each other', async () => {
  const folder = join(root, 'race');
  mkdirSync(folder);
  const program = join(folder, 'contender.mjs');
  writeFileSync(
    program,
    `import { appendFileSync } from 'node:fs';
    import { setTimeout as sleep } from 'node:timers/promises';
    import { tryLock } from ${JSON.stringify(new URL('../../../src/files/lock.mjs', import.meta.url).href)};
    const [, , folder, number] = process.argv;
    const note = (text) => appendFileSync(folder + '/log', number + ' ' + text + '\\n');
    process.send('ready');
    await new Promise((resolve) => process.once('message', resolve));
    for (let done = 0; done < 6; ) {
      const { lock } = await tryLock(folder + '/race.lock');
      if (lock === undefined) {
        await sleep(3 * Math.random());
        continue;
      }
      note('begins');
      await sleep(4 * Math.random());
      note('ends');
      done++;
      // Half of the processes are killed while they hold the lock.
      if (number % 2 === 0 && done === 2 + number % 3) process.kill(process.pid, 'SIGKILL');
      await lock.release();
    }
    process.disconnect();`,
  );
  const children = Array.from({ length: 12 }, (_, i) => fork(program, [folder, String(i)], { execArgv: [] }));
  const ended = children.map(
    (child) => new Promise<unknown>((resolve) => child.once('exit', (code, signal) => resolve(signal ?? code))),
  );
  await Promise.all(children.map((child) => new Promise((resolve) => child.once('message', resolve))));
  for (const child of children) child.send('go');
  assert.deepEqual(
    await Promise.all(ended),
    children.map((_, i) => (i % 2 === 0 ? 'SIGKILL' : 0)),
  );
  const log = readFileSync(join(folder, 'log'), 'utf8').trimEnd().split('\n');
  for (let i = 0; i < log.length; i += 2) {
    assert.match(log[i]!, / begins$/);
    assert.equal(log[i + 1], log[i]!.replace('begins', 'ends'), 'nobody comes between');
  }
  assert.equal(log.length, 2 * children.reduce((sum, _, i) => sum + (i % 2 === 0 ? 2 + (i % 3) : 6), 0));
  // The last process may have been a killed one: its lock is taken over.
  const { lock } = await tryLock(join(folder, 'race.lock'));
  await lock?.release();
  assert.deepEqual(readdirSync(folder).sort(), ['contender.mjs', 'log']);
});

import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream, readdirSync } from 'node:fs';
import { chmod, writeFile } from 'node:fs/promises';
import { getPriority } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { required } from '../../../src/base/assert.ts';
import { systemClock } from '../../../src/base/clock.ts';
import { Child } from '../../../src/processes/child.ts';
import type { ChildLimits } from '../../../src/processes/child-limits.ts';
import {
  builtLauncherPath,
  createStarter,
  describeMethod,
} from '../../../src/processes/create-starter.ts';
import { launcherOrderVersion } from '../../../src/processes/launcher-order.ts';
import { childNicenessStep } from '../../../src/processes/process-starter.ts';
import type { ProcessStarter } from '../../../src/processes/process-starter.ts';
import { runTool } from '../../../src/processes/tool-run.ts';
import type { ToolEnd, ToolOrder } from '../../../src/processes/tool-run.ts';
import { wideLimits } from '../../fakes/wide-limits.ts';
import { childProcesses } from '../../support/child-processes.ts';
import {
  compileLauncher,
  describeWithStarters,
  startersUnderTest,
} from '../../support/starters.ts';
import { createTempDirectory } from '../../support/temp-directory.ts';

const starters = await startersUnderTest();
const doomedService = join(import.meta.dirname, '../../fakes/doomed-service.ts');

function run(
  starter: ProcessStarter,
  argv: readonly string[],
  changes: Partial<ToolOrder> = {},
): Promise<ToolEnd> {
  const order: ToolOrder = {
    argv,
    cwd: '/',
    env: { PATH: '/usr/bin:/bin' },
    limits: wideLimits,
    timeoutMs: 30_000,
    signal: new AbortController().signal,
    ...changes,
  };
  return runTool(order, { starter, clock: systemClock });
}

describeWithStarters(starters, ({ method, open }) => {
  /** Whoever started this process may have left it others; only the launcher passes none of them on. */
  const descriptors = (list: string): readonly number[] =>
    list
      .split(/\s+/)
      .filter((name) => name !== '')
      .map(Number)
      .filter((descriptor) => method === 'launcher' || descriptor < 10)
      .toSorted((a, b) => a - b);

  let starter: ProcessStarter;

  beforeAll(async () => {
    starter = await open();
  });

  afterAll(() => starter.close());

  test('a program gets exactly the environment and the directory of its order', async () => {
    const env = { PATH: '/usr/bin:/bin', EMPTY: '', UMLAUT: 'ä=ö', LINES: 'a\nb' };
    const { stdout } = await run(starter, ['env', '-0'], { env });
    expect(stdout.split('\0').filter((line) => line !== '')).toEqual(
      Object.entries(env).map(([name, value]) => `${name}=${value}`),
    );
    expect((await run(starter, ['pwd'], { cwd: '/usr' })).stdout).toBe('/usr\n');
  });

  test('its arguments arrive as they are, empty ones and many, too', async () => {
    const args = ['', ' a  b ', '"', "'", '$HOME', '\n', '--', 'ü'];
    const { stdout } = await run(starter, ['printf', String.raw`[%s]\n`, ...args]);
    expect(stdout).toBe(args.map((arg) => `[${arg}]\n`).join(''));
    const many = Array.from({ length: 3000 }, (_, index) => `argument-${index}`);
    const counted = await run(starter, ['sh', '-c', 'echo $#', 'sh', ...many]);
    expect(counted.stdout).toBe('3000\n');
  });

  test('it reads nothing, and has no file open but the standard ones', async () => {
    expect((await run(starter, ['cat'])).exit).toEqual({ code: 0 });
    const { stdout } = await run(starter, ['sh', '-c', 'exec ls /proc/self/fd']);
    // The fourth is the directory that is listed.
    expect(descriptors(stdout)).toEqual([0, 1, 2, 3]);
  });

  test('a conversation has open standard input, and answers of its own', async () => {
    let answer = '';
    const script = 'read order; echo "$order" | tr a-z A-Z >&3; echo talk; ls /proc/self/fd >&2';
    const { exit, stdout, stderr } = await run(starter, ['sh', '-c', script], {
      conversation: { order: 'order é', onAnswer: (text) => (answer += text) },
    });
    expect([exit, stdout, answer]).toEqual([{ code: 0 }, 'talk\n', 'ORDER é\n']);
    expect(descriptors(stderr)).toEqual([0, 1, 2, 3, 4]);
  });

  test('it gives way to the service', async () => {
    // The order comes when it has given way, at the latest.
    const { stdout } = await run(starter, ['sh', '-c', 'read order; nice'], {
      conversation: { order: '', onAnswer: () => {} },
    });
    expect(Number(stdout)).toBe(Math.min(19, getPriority() + childNicenessStep));
  });

  test('its code and its signal are told', async () => {
    expect((await run(starter, ['sh', '-c', 'exit 127'])).exit).toEqual({ code: 127 });
    expect((await run(starter, ['sh', '-c', 'kill -SEGV $$'])).exit).toEqual({
      signal: 'SIGSEGV',
    });
  });

  test('a start that fails is an error as `spawn` words it', async () => {
    await using directory = await createTempDirectory();
    const plainFile = join(directory.path, 'file');
    await writeFile(plainFile, 'nothing');
    const badInterpreter = join(directory.path, 'script');
    await writeFile(badInterpreter, '#!/nowhere/shell\n');
    await chmod(badInterpreter, 0o755);
    const failures = [
      [['/nowhere/program', 'x'], {}, 'ENOENT'],
      [['no-such-program'], {}, 'ENOENT'],
      [[plainFile], {}, 'EACCES'],
      [['true'], { cwd: '/nowhere' }, 'ENOENT'],
    ] as const;
    for (const [argv, changes, code] of failures) {
      const { startError } = (await run(starter, argv, changes)).exit;
      expect(startError).toMatchObject({
        message: `spawn ${argv[0]} ${code}`,
        code,
        syscall: `spawn ${argv[0]}`,
        path: argv[0],
        spawnargs: argv.slice(1),
      });
    }
    const zero = await run(starter, ['true', 'a\0b']);
    expect(zero.exit.startError).toBeInstanceOf(TypeError);
    expect(childProcesses().filter((line) => !line.includes('launcher'))).toEqual([]);
  });

  test('its own children end with it', async () => {
    const cancel = new AbortController();
    const script = 'sleep 1000 & trap "" TERM; echo started; wait';
    const { exit } = await run(starter, ['sh', '-c', script], {
      signal: cancel.signal,
      onStdout: () => cancel.abort(),
    });
    expect(exit).toMatchObject({ cause: 'cancelled' });
  });

  if (method === 'plain') return;

  const expectEndWithService = async (script: string): Promise<void> => {
    await using directory = await createTempDirectory();
    const fifo = join(directory.path, 'held');
    await promisify(execFile)('mkfifo', [fifo]);
    const launcherPath = method === 'launcher' ? await launcher : '/nowhere/launcher';
    const program = ['sh', '-c', `exec 9>"$0"; ${script}`, fifo];
    const args = [doomedService, method, launcherPath ?? '', ...program];
    const service = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    onTestFinished(() => void service.kill('SIGKILL'));
    // Ends when the program, which alone holds the other end, is gone.
    const life = createReadStream(fifo);
    life.resume();
    const end = once(life, 'end');
    const [pid] = await once(service.stdout, 'data');
    expect(String(pid)).toMatch(/^\d+\n$/);
    service.kill('SIGKILL');
    await end;
  };

  test('it ends with the service, also one that is killed', async () => {
    await expectEndWithService('echo started; exec sleep 1000');
  });

  test('it ends with a killed service although it ignores signals', async () => {
    await expectEndWithService('trap "" TERM HUP INT; echo started; exec sleep 1000');
  });

  test('its limits hold from its start', async () => {
    const limits: ChildLimits = {
      cpuSec: 7,
      fileBytesMax: 8192,
      openFilesMax: 32,
      addressBytesMax: 2 ** 30,
    };
    const { stdout } = await run(starter, ['cat', '/proc/self/limits'], { limits });
    const rows = [...stdout.matchAll(/^Max (.+?) {2,}(\S+) +(\S+)/gm)];
    const table = new Map(rows.map(([, name, soft, hard]) => [name, [soft, hard]]));
    expect(table.get('cpu time')).toEqual(['7', '12']);
    expect(table.get('file size')).toEqual(['8192', '8192']);
    expect(table.get('open files')).toEqual(['32', '32']);
    expect(table.get('address space')).toEqual(['1073741824', '1073741824']);
    expect(table.get('core file size')).toEqual(['0', '0']);
  });

  test('it dies by the limit that it exceeds', async () => {
    await using directory = await createTempDirectory();
    const cwd = directory.path;
    const limits = { ...wideLimits, fileBytesMax: 4096 };
    const written = await run(starter, ['dd', 'if=/dev/zero', 'of=file', 'count=9'], {
      cwd,
      limits,
    });
    expect(written.exit).toEqual({ signal: 'SIGXFSZ' });
    const computed = await run(starter, ['sh', '-c', 'while :; do :; done'], {
      limits: { ...wideLimits, cpuSec: 1 },
    });
    expect(computed.exit).toEqual({ signal: 'SIGXCPU', mayHaveSpentItsCpu: true });
  });
});

describeWithStarters(starters, ({ open }) => {
  test('two hundred starts leave neither a process nor a descriptor', async () => {
    const count = (): number => readdirSync('/proc/self/fd').length;
    const startTen = async (): Promise<void> => {
      await using starter = await open();
      const runs = Array.from({ length: 10 }, () => run(starter, ['true']));
      const ends = await Promise.all(runs);
      expect(ends.map(({ exit }) => exit)).toEqual(runs.map(() => ({ code: 0 })));
    };
    await startTen();
    const before = count();
    for (let round = 0; round < 20; round += 1) await startTen();
    expect(count()).toBeLessThanOrEqual(before);
    expect(childProcesses()).toEqual([]);
  });
});

const launcher = compileLauncher();

describe('the way to start programs', () => {
  test('is said with what to do for a better one', () => {
    expect(describeMethod('launcher').remedy).toBeUndefined();
    for (const method of ['util-linux', 'plain'] as const) {
      expect(describeMethod(method).remedy).toContain('npm run build:sandbox');
    }
  });

  test('is the launcher where `npm run build:sandbox` has put one', () => {
    const name = `reelgraph-launcher-v${launcherOrderVersion}`;
    expect(builtLauncherPath).toBe(join(import.meta.dirname, '../../../build', name));
  });

  test('is another one where the launcher is of another version, or is none', async () => {
    await using directory = await createTempDirectory();
    const path = join(directory.path, 'launcher');
    for (const text of ['#!/bin/sh\necho reelgraph-launcher 0\n', '\u007fELF', '']) {
      await writeFile(path, text);
      await chmod(path, 0o755);
      await using starter = await createStarter({
        clock: systemClock,
        launcherPath: path,
        searchPath: '',
      });
      expect(starter.method).toBe('plain');
    }
    expect(childProcesses()).toEqual([]);
  });

  test('is plain where setpriv knows other options', async () => {
    await using directory = await createTempDirectory();
    for (const name of ['setpriv', 'prlimit']) {
      await writeFile(join(directory.path, name), '#!/bin/sh\necho unknown option; exit 0\n');
      await chmod(join(directory.path, name), 0o755);
    }
    await using starter = await createStarter({
      clock: systemClock,
      launcherPath: '/nowhere/launcher',
      searchPath: directory.path,
    });
    expect(starter.method).toBe('plain');
  });

  test('started by a shell, a child is ended by its own first cause', async () => {
    const [first] = starters;
    await using starter = await required(first, 'a starter').open();
    const child = new Child(
      {
        argv: ['sleep', '1000'],
        cwd: '/',
        env: { PATH: '/usr/bin:/bin' },
        limits: wideLimits,
        onStdout: () => {},
        onStderr: () => {},
      },
      { starter, clock: systemClock },
    );
    child.end('stalled');
    child.end('cancelled');
    expect(await child.gone).toEqual({ signal: 'SIGTERM', cause: 'stalled' });
  });
});

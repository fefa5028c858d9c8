import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { required } from '../../../src/base/assert.ts';
import { systemClock } from '../../../src/base/clock.ts';
import {
  PreforkedStarter,
  idleLaunchersMaxDefault,
  refillDelayMs,
} from '../../../src/processes/preforked-starter.ts';
import { createStarter } from '../../../src/processes/create-starter.ts';
import type { ChildLimits } from '../../../src/processes/child-limits.ts';
import type { FileAccess, ProcessStarter } from '../../../src/processes/process-starter.ts';
import { runTool } from '../../../src/processes/tool-run.ts';
import { wideLimits } from '../../fakes/wide-limits.ts';
import { childProcessIds, childProcesses } from '../../support/child-processes.ts';
import { compileLauncher } from '../../support/starters.ts';
import { ManualClock } from '../../unit/api/manual-clock.ts';

const launcherPath = await compileLauncher();

async function runTrue(starter: ProcessStarter) {
  return (await run(['true'], starter)).exit;
}

function run(
  argv: readonly string[],
  starter: ProcessStarter,
  { limits = wideLimits, access }: { limits?: ChildLimits; access?: FileAccess } = {},
) {
  return runTool(
    {
      argv,
      cwd: '/',
      env: { PATH: '/usr/bin:/bin' },
      limits,
      ...(access !== undefined && { access }),
      timeoutMs: 30_000,
      signal: new AbortController().signal,
    },
    { starter, clock: systemClock },
  );
}

describe.skipIf(launcherPath === undefined)('idle launchers', () => {
  const path = launcherPath ?? '';

  test('come one by one, a while after the start of the service, until there are enough', async () => {
    const clock = new ManualClock();
    await using starter = new PreforkedStarter({ launcherPath: path, clock, idleMax: 3 });
    expect(childProcesses()).toEqual([]);
    for (const count of [1, 2, 3]) {
      clock.advance(refillDelayMs);
      expect([starter.idleCount, childProcesses().length]).toEqual([count, count]);
    }
    expect(clock.pending).toBe(0);
  });

  test('become the program without another fork, and are made up for later', async () => {
    const clock = new ManualClock();
    await using starter = new PreforkedStarter({ launcherPath: path, clock, idleMax: 2 });
    clock.advance(2 * refillDelayMs);
    const idle = childProcessIds();
    expect(await runTrue(starter)).toEqual({ code: 0 });
    expect(idle).toContain(childProcessIds()[0]);
    expect(starter.idleCount).toBe(1);
    clock.advance(refillDelayMs - 1);
    expect(starter.idleCount).toBe(1);
    clock.advance(1);
    expect(starter.idleCount).toBe(2);
  });

  test('need not be there for a start', async () => {
    const clock = new ManualClock();
    await using starter = new PreforkedStarter({ launcherPath: path, clock });
    const exits = await Promise.all(Array.from({ length: 10 }, () => runTrue(starter)));
    expect(exits).toEqual(exits.map(() => ({ code: 0 })));
    clock.advance(20 * refillDelayMs);
    expect(starter.idleCount).toBe(idleLaunchersMaxDefault);
  });

  test('that died are not used', async () => {
    const clock = new ManualClock();
    await using starter = new PreforkedStarter({ launcherPath: path, clock, idleMax: 1 });
    clock.advance(refillDelayMs);
    const [pid] = childProcessIds();
    process.kill(required(pid, 'a launcher'), 'SIGKILL');
    await expect.poll(() => starter.idleCount).toBe(0);
    expect(await runTrue(starter)).toEqual({ code: 0 });
  });

  test('that were killed a moment ago, which nobody has noticed yet, are not used', async () => {
    const clock = new ManualClock();
    await using starter = new PreforkedStarter({ launcherPath: path, clock, idleMax: 1 });
    clock.advance(refillDelayMs);
    const pid = required(childProcessIds()[0], 'a launcher');
    process.kill(pid, 'SIGKILL');
    // Nothing is awaited, so that its end is still news when the program is to be started.
    while (!/^State:\tZ/m.test(readFileSync(`/proc/${pid}/status`, 'utf8')));
    expect(starter.idleCount).toBe(1);
    expect(await runTrue(starter)).toEqual({ code: 0 });
  });

  test('whose program is gone start nothing that is to be confined', async () => {
    const gone = required(await compileLauncher(), 'a launcher');
    const parts = { launcherPath: gone, clock: new ManualClock(), confines: true };
    await using starter = new PreforkedStarter(parts);
    await rm(gone);
    const access = { read: [], execute: [], change: [] };
    const { exit } = await run(['true'], starter, { access });
    expect(exit.startError?.message).toBe('spawn true EAGAIN (the launcher does not start)');
    expect(await runTrue(starter)).toEqual({ code: 0 });
  });

  test('end with the starter, which then forks no more of them', async () => {
    const clock = new ManualClock();
    const starter = new PreforkedStarter({ launcherPath: path, clock, idleMax: 2 });
    clock.advance(2 * refillDelayMs);
    await starter.close();
    await starter.close();
    expect(childProcesses()).toEqual([]);
    expect(await runTrue(starter)).toEqual({ code: 0 });
    expect([clock.pending, starter.idleCount]).toEqual([0, 0]);
  });

  test('whose program is gone are done without', async () => {
    const gone = required(await compileLauncher(), 'a launcher');
    const clock = new ManualClock();
    await using starter = new PreforkedStarter({ launcherPath: gone, clock });
    await rm(gone);
    expect(await runTrue(starter)).toEqual({ code: 0 });
    clock.advance(10 * refillDelayMs);
    expect([starter.idleCount, clock.pending]).toEqual([0, 0]);
  });

  test('whose program is gone leave programs the limits that util-linux can give', async () => {
    const gone = required(await compileLauncher(), 'a launcher');
    const fallback = await createStarter({ clock: systemClock, launcherPath: '/no/launcher' });
    expect(fallback.method).toBe('util-linux');
    // Its clock stands still, so that no launcher waits.
    const parts = { launcherPath: gone, clock: new ManualClock(), fallback };
    await using starter = new PreforkedStarter(parts);
    await rm(gone);
    const argv = ['sh', '-c', 'ulimit -f; ulimit -n'];
    const limits = { cpuSec: 10, fileBytesMax: 4096, openFilesMax: 64 };
    const { stdout } = await run(argv, starter, { limits });
    // The first in units of 512 bytes (POSIX).
    expect(stdout).toBe('8\n64\n');
  });
});

test.skipIf(launcherPath === undefined)('idle launchers keep no process alive', async () => {
  const module = new URL('../../../src/processes/preforked-starter.ts', import.meta.url).href;
  const clock = new URL('../../../src/base/clock.ts', import.meta.url).href;
  const program = `
    const { PreforkedStarter } = await import(${JSON.stringify(module)});
    const { systemClock } = await import(${JSON.stringify(clock)});
    new PreforkedStarter({ launcherPath: ${JSON.stringify(launcherPath)}, clock: systemClock });`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program]);
  const [code] = await once(child, 'exit');
  expect(code).toBe(0);
});

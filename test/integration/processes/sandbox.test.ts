import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { PreforkedStarter } from '../../../src/processes/preforked-starter.ts';
import { runTool } from '../../../src/processes/tool-run.ts';
import { wideLimits } from '../../fakes/wide-limits.ts';
import { compileLauncher } from '../../support/starters.ts';
import { createTempDirectory } from '../../support/temp-directory.ts';

const launcherPath = await compileLauncher();
const path = launcherPath ?? '';

/** What the launcher's self-test can do in a directory of its own, with a secret beside that. */
async function runSelfTest(confines: boolean) {
  await using directory = await createTempDirectory();
  const secret = join(directory.path, 'secret');
  const own = join(directory.path, 'own');
  await Promise.all([writeFile(secret, 'of another job'), mkdir(own)]);
  await using starter = new PreforkedStarter({ launcherPath: path, clock: systemClock, confines });
  return await runTool(
    {
      argv: [path, '--self-test', secret],
      cwd: own,
      env: { PATH: '/usr/bin:/bin' },
      limits: wideLimits,
      access: { read: [], execute: [path], change: [own] },
      timeoutMs: 30_000,
      signal: new AbortController().signal,
    },
    { starter, clock: systemClock },
  );
}

test.skipIf(launcherPath === undefined)(
  'a confined program reaches its own directory, and no other file, no socket and no process',
  async () => {
    const { exit, stdout } = await runSelfTest(true);
    expect([exit, stdout]).toEqual([{ code: 0 }, 'confined\n']);
  },
);

test.skipIf(launcherPath === undefined)(
  'one that is not confined reaches all of it, so the self-test can tell',
  async () => {
    const { exit, stdout } = await runSelfTest(false);
    expect(exit).toEqual({ code: 1 });
    expect(stdout).toContain('another file can be read');
    expect(stdout).toContain('a UDP socket can be opened');
    expect(stdout).toContain('a pair of Unix sockets can be opened');
    expect(stdout).toContain('the service can be slowed down');
    expect(stdout).toContain('by a descriptor');
  },
);

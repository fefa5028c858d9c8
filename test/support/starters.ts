import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { createStarter } from '../../src/processes/create-starter.ts';
import { findProgram } from '../../src/processes/find-program.ts';
import type { ProcessStarter, StartMethod } from '../../src/processes/process-starter.ts';

/** One way to start programs. */
export interface TestStarter {
  readonly method: StartMethod;
  /** Makes one; whoever does closes it. */
  readonly open: () => Promise<ProcessStarter>;
  /** Why it can't be tested on this machine. */
  readonly reason?: string;
}

/**
 * The launcher as its source is now, compiled into a directory that is gone when this process ends;
 * nothing where there is no compiler.
 */
export async function compileLauncher(): Promise<string | undefined> {
  const compiler = await findProgram('cc', process.env['PATH'] ?? '');
  if (compiler === undefined) return undefined;
  const directory = mkdtempSync(join(tmpdir(), 'reelgraph-launcher-'));
  process.on('exit', () => rmSync(directory, { recursive: true, force: true }));
  const path = join(directory, 'launcher');
  const source = join(import.meta.dirname, '..', '..', 'src', 'processes', 'launcher.c');
  const strict = ['-std=c11', '-Wall', '-Wextra', '-Wconversion', '-pedantic', '-Werror'];
  await promisify(execFile)(compiler, [...strict, '-O2', '-o', path, source]);
  return path;
}

/** All ways to start programs. */
export async function startersUnderTest(): Promise<readonly TestStarter[]> {
  const launcherPath = await compileLauncher();
  const opener = (method: StartMethod, search: object, reason: string): TestStarter => {
    const open = async (): Promise<ProcessStarter> => {
      const starter = await createStarter({ clock: systemClock, ...search });
      if (starter.method === method) return starter;
      await starter.close();
      throw new Error(`There is only ${starter.method} where ${method} was expected.`);
    };
    return reason === '' ? { method, open } : { method, open, reason };
  };
  const setpriv = await findProgram('setpriv', process.env['PATH'] ?? '');
  const noLauncher = { launcherPath: '/nowhere/launcher' };
  return [
    opener(
      'launcher',
      { searchPath: '', launcherPath },
      launcherPath === undefined ? 'there is no C compiler' : '',
    ),
    opener('util-linux', noLauncher, setpriv === undefined ? 'there is no setpriv' : ''),
    opener('plain', { ...noLauncher, searchPath: '' }, ''),
  ];
}

/** Declares a suite once per way to start programs. */
export function describeWithStarters(
  starters: readonly TestStarter[],
  declare: (starter: TestStarter) => void,
): void {
  for (const starter of starters) {
    const { method, reason } = starter;
    if (reason === undefined) {
      describe(`started by ${method}`, () => {
        declare(starter);
      });
    } else test(`started by ${method}`, ({ skip }) => skip(reason));
  }
}

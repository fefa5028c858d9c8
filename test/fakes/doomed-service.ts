/**
 * A service that starts a program and waits for its end; for the test that kills it. Arguments: the way
 * to start it, the launcher's path, and the program with its arguments. Says the program's id when that
 * has written something.
 */
import { systemClock } from '../../src/base/clock.ts';
import { Child } from '../../src/processes/child.ts';
import { createStarter } from '../../src/processes/create-starter.ts';
import { wideLimits } from './wide-limits.ts';

const [method = '', launcherPath = '', ...argv] = process.argv.slice(2);

const starter = await createStarter({ clock: systemClock, launcherPath });
if (starter.method !== method) throw new Error(`There is only ${starter.method}.`);
const child = new Child(
  {
    argv,
    cwd: '/',
    env: { PATH: '/usr/bin:/bin' },
    limits: wideLimits,
    onStdout: () => process.stdout.write(`${child.pid}\n`),
    onStderr: (text) => process.stderr.write(text),
  },
  { starter, clock: systemClock },
);
await child.gone;
await starter.close();

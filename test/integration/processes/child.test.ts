import { getPriority } from 'node:os';
import { afterEach, expect, test } from 'vitest';
import { required } from '../../../src/base/assert.ts';
import { systemClock } from '../../../src/base/clock.ts';
import { Child, childNiceness } from '../../../src/processes/child.ts';
import { childEnvironment } from '../../../src/processes/tool-run.ts';

let child: Child | undefined;

afterEach(async () => {
  child?.end('cancelled');
  await child?.gone;
});

test('a child gives way to the service', () => {
  child = new Child(
    {
      argv: ['/bin/sleep', '60'],
      cwd: '/',
      env: childEnvironment('/usr/bin:/bin'),
      onStdout: () => {},
      onStderr: () => {},
    },
    systemClock,
  );
  expect(getPriority(required(child.pid, 'a process id'))).toBe(
    Math.min(19, getPriority() + childNiceness),
  );
});

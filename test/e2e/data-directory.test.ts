import { expect, test } from 'vitest';
import { Program, samplePath, ServiceProcess } from './service-process.ts';

/** Longest run of the sample on a small, busy machine. */
const sampleTimeoutMs = 300_000;

function serveOn(dataDir: string): Program {
  return new Program(['src/main.ts', 'serve', '--port', '0', '--data-dir', dataDir]);
}

test(
  'a second service on one data directory refuses, and the first works on',
  async () => {
    await using service = await ServiceProcess.start();
    const { id } = await service.submit(samplePath);
    await using second = serveOn(service.dataDir);
    expect(await second.exited).toEqual({ code: 1, signal: null });
    expect(second.output).toContain('Another reelgraph uses the data directory');
    expect(second.output).toContain(service.dataDir);
    const job = await service.finish(id);
    expect(job.error).toBeUndefined();
    expect(job.state).toBe('succeeded');
    expect(job.nodes.map((node) => node.attempt)).toEqual(job.nodes.map(() => 1));
  },
  sampleTimeoutMs,
);

test('a data directory whose service was killed is free at once', async () => {
  await using service = await ServiceProcess.start();
  service.program.child.kill('SIGKILL');
  expect(await service.program.exited).toEqual({ code: null, signal: 'SIGKILL' });
  await using next = serveOn(service.dataDir);
  await next.waitFor(/listens on/);
  next.child.kill('SIGTERM');
  expect(await next.exited).toEqual({ code: 0, signal: null });
});

test.runIf(process.platform === 'linux')(
  'a data directory where none can be is a sentence, at once',
  async () => {
    await using program = serveOn('/proc/nope');
    expect(await program.exited).toEqual({ code: 1, signal: null });
    expect(program.output).toContain('The data directory "/proc/nope" cannot be made.');
  },
);

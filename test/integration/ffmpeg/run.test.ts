import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import type { Clock } from '../../../src/base/clock.ts';
import type { FfmpegCommand } from '../../../src/ffmpeg/command.ts';
import { terminationGraceMs } from '../../../src/processes/child.ts';
import { createFakeTool, fakeToolchain } from '../../fakes/fake-ffmpeg.ts';
import type { FakeStep, FakeTool } from '../../fakes/fake-ffmpeg.ts';
import { childProcesses } from '../../support/child-processes.ts';
import { createTempDirectory } from '../../support/temp-directory.ts';
import type { TempDirectory } from '../../support/temp-directory.ts';
import {
  anyToolchain,
  describeWithToolchains,
  toolchainsUnderTest,
} from '../../support/toolchains.ts';
import { codeOf, controlOf, createTools, h264Aac, makeClip, tone } from './media-rig.ts';

let directory: TempDirectory;
let film: string;

beforeAll(async () => {
  directory = await createTempDirectory();
  const pictures = ['-f', 'lavfi', '-i', 'testsrc2=size=160x90:rate=25:duration=5'];
  const args = [...pictures, ...tone, ...h264Aac, '-g', '5'];
  film = await makeClip(await anyToolchain(), join(directory.path, 'film.mkv'), args);
});

afterAll(() => directory[Symbol.asyncDispose]());

let directories = 0;

/** A directory for one test. */
async function emptyDirectory(name = 'run'): Promise<string> {
  directories += 1;
  const path = join(directory.path, `${name}-${directories}`);
  await mkdir(path);
  return path;
}

/** Encodes the film into a file. */
function encoding(output: string, changes: Partial<FfmpegCommand> = {}): FfmpegCommand {
  const options = ['-map', '0:v', '-c:v', 'libx264', '-preset', 'ultrafast', '-f', 'mp4'];
  return {
    inputs: [{ path: film, options: [] }],
    outputs: [{ path: output, options }],
    ...changes,
  };
}

/** The film, read no faster than it plays: a run that lasts until somebody ends it. */
const slowly: Partial<FfmpegCommand> = {
  get inputs() {
    return [{ path: film, options: ['-re'] }];
  },
};

describeWithToolchains(await toolchainsUnderTest(), (toolchain) => {
  const tools = createTools(toolchain);

  describe('a run', () => {
    test('reports progress that only grows and ends at 1, and how far it came', async () => {
      const fractions: number[] = [];
      const output = join(await emptyDirectory(), 'out.mp4');
      const result = await tools.run(
        encoding(output),
        controlOf({ durationSec: 5, onProgress: (fraction) => fractions.push(fraction) }),
      );
      expect(result.ok ? result.value.outTimeSec : 0).toBeGreaterThan(4.5);
      expect(fractions.at(-1)).toBe(1);
      expect(fractions).toEqual(fractions.toSorted((a, b) => a - b));
    });

    test('that is cancelled leaves no process', async () => {
      const cancel = new AbortController();
      const output = join(await emptyDirectory(), 'out.mp4');
      const result = await tools.run(
        encoding(output, slowly),
        controlOf({ durationSec: 5, signal: cancel.signal, onProgress: () => cancel.abort() }),
      );
      expect(codeOf(result)).toBe('cancelled');
      expect(childProcesses()).toEqual([]);
    });

    test('of a cancelled signal starts nothing', async () => {
      const output = join(await emptyDirectory(), 'out.mp4');
      const result = await tools.run(encoding(output), controlOf({ signal: AbortSignal.abort() }));
      expect(codeOf(result)).toBe('cancelled');
      expect(await readdir(join(output, '..'))).toEqual([]);
    });

    test('never makes more than a tenth and three seconds beyond the length declared', async () => {
      const output = join(await emptyDirectory(), 'out.mp4');
      const result = await tools.run(encoding(output), controlOf({ durationSec: 0.5 }));
      const outTimeSec = result.ok ? result.value.outTimeSec : 0;
      expect(outTimeSec).toBeGreaterThan(3);
      expect(outTimeSec).toBeLessThan(3.7);
    });

    test('takes every name for a file, and splits none', async () => {
      const output = join(await emptyDirectory("a 'b' %d http:"), '-y %03d "out".mp4');
      expect(codeOf(await tools.run(encoding(output), controlOf({ durationSec: 5 })))).toBe('ok');
      expect(await readdir(join(output, '..'))).toEqual(['-y %03d "out".mp4']);
    });

    test('onto a full disk is one of storage', async () => {
      const options = ['-map', '0:a', '-c:a', 'pcm_s16le', '-f', 'wav'];
      const command = encoding('', { outputs: [{ path: '/dev/full', options }] });
      expect(codeOf(await tools.run(command, controlOf()))).toBe('storage');
    });

    test('beyond a limit of file sizes is told as that, whether or not a signal says so', async () => {
      for (const trap of ['', 'trap "" XFSZ;']) {
        const limited = createTools(toolchain, {
          launch: (argv) => ['/bin/sh', '-c', `${trap} ulimit -f 8; exec "$@"`, 'sh', ...argv],
        });
        const output = join(await emptyDirectory(), 'out.mp4');
        expect(codeOf(await limited.run(encoding(output), controlOf()))).toBe('limit_size');
      }
    });

    test('of an input that is not there, or in a codec that is not, fails', async () => {
      const output = join(await emptyDirectory(), 'out.mp4');
      const absent = encoding(output, { inputs: [{ path: '/nowhere/film', options: [] }] });
      expect(codeOf(await tools.run(absent, controlOf()))).toBe('tool');
      const options = ['-c:v', 'no_such_codec', '-f', 'mp4'];
      const foreign = encoding(output, { outputs: [{ path: output, options }] });
      expect(codeOf(await tools.run(foreign, controlOf()))).toBe('tool');
    });
  });
});

describe('a run of a program that', () => {
  async function fakeOf(steps: readonly FakeStep[]): Promise<FakeTool> {
    return createFakeTool(await emptyDirectory(), 'ffmpeg', steps);
  }

  test('gets its thread budget, its directory and nothing of the environment', async () => {
    const tool = await fakeOf([]);
    const output = join(await emptyDirectory(), 'out.mp4');
    const tools = createTools(fakeToolchain(tool));
    expect(codeOf(await tools.run(encoding(output), controlOf({ threads: 3 })))).toBe('ok');
    const [started] = await tool.invocations();
    const args = started?.args ?? [];
    const values = args.filter((_, index) => args[index - 1]?.endsWith('threads') === true);
    expect(values).toEqual(['2', '2', '2', '3']);
    expect(args).not.toContain('-xerror');
    expect(started?.cwd).toBe(join(output, '..'));
    expect(started?.env).toEqual({
      PATH: '/usr/bin:/bin',
      LANG: 'C.UTF-8',
      GCONV_PATH: '/dev/null',
    });
  });

  test('reports times beyond the expected ones still ends at 1, and never goes back', async () => {
    const reports = [0.2, 0.1, 0.5, 9].map((outTimeSec) => ({ do: 'report', outTimeSec }) as const);
    const fractions: number[] = [];
    const tools = createTools(fakeToolchain(await fakeOf(reports)));
    const control = controlOf({ onProgress: (fraction) => fractions.push(fraction) });
    await tools.run(encoding('/tmp/out.mp4'), control);
    expect(fractions).toEqual([0.2, 0.5, 1]);
  });

  test('stands still is ended as stalled', async () => {
    const tool = await fakeOf([{ do: 'report', outTimeSec: 0.1 }, { do: 'hang' }]);
    const tools = createTools(fakeToolchain(tool), { stallLimitMs: 300 });
    expect(codeOf(await tools.run(encoding('/tmp/out.mp4'), controlOf()))).toBe('stalled');
    expect(childProcesses()).toEqual([]);
  });

  test('ignores SIGTERM is killed, and what ended it first stays its cause', async () => {
    const cancel = new AbortController();
    const tool = await fakeOf([
      { do: 'ignore-sigterm' },
      { do: 'report', outTimeSec: 0.1 },
      { do: 'hang' },
    ]);
    // The grace is longer than the limit of standing still, so both causes come up.
    const graceMs = 500;
    const clock: Clock = {
      ...systemClock,
      // A program that is slow to start does not stand still: time begins with the cancel.
      monotonicMs: () => (cancel.signal.aborted ? systemClock.monotonicMs() : 0),
      after: (delayMs, callback) =>
        systemClock.after(delayMs === terminationGraceMs ? graceMs : delayMs, callback),
    };
    const tools = createTools(fakeToolchain(tool), { clock, stallLimitMs: graceMs / 5 });
    const control = controlOf({ signal: cancel.signal, onProgress: () => cancel.abort() });
    const result = await tools.run(encoding('/tmp/out.mp4'), control);
    expect(codeOf(result)).toBe('cancelled');
    expect(result.ok ? '' : result.error.operatorDetail).toContain('signal SIGKILL');
    expect(childProcesses()).toEqual([]);
  });

  test.each([
    [{ do: 'die', signal: 'SIGSEGV' }, 'tool'],
    [{ do: 'die', signal: 'SIGKILL' }, 'resource'],
    [{ do: 'exit', code: 69 }, 'corrupt'],
    [{ do: 'exit', code: 1 }, 'tool'],
  ] as const)('ends like %j is a failure: %s', async (step, code) => {
    const tools = createTools(fakeToolchain(await fakeOf([step])));
    expect(codeOf(await tools.run(encoding('/tmp/out.mp4'), controlOf()))).toBe(code);
  });

  test('floods its messages keeps only the last of them', async () => {
    const text = `${'x'.repeat(1000)}\n`;
    const tool = await fakeOf([
      { do: 'stderr', text, times: 2000 },
      { do: 'stderr', text: 'the last line\n' },
      { do: 'exit', code: 1 },
    ]);
    const result = await createTools(fakeToolchain(tool)).run(encoding('/tmp/o'), controlOf());
    const detail = result.ok ? '' : (result.error.operatorDetail ?? '');
    expect(detail).toContain('the last line');
    expect(detail.length).toBeLessThan(10_000);
  });

  test('is not there is a failure for the operator', async () => {
    const absent = { ...(await fakeOf([])), path: '/nowhere/ffmpeg' };
    const result = await createTools(fakeToolchain(absent)).run(encoding('/tmp/o'), controlOf());
    expect(codeOf(result)).toBe('tool');
    expect(result.ok ? '' : result.error.operatorDetail).toContain('could not start');
  });
});

describe('a probe of a program that', () => {
  async function probeCodeOf(steps: readonly FakeStep[], probeLimitMs = 20_000): Promise<string> {
    const tool = await createFakeTool(await emptyDirectory(), 'ffprobe', steps);
    const tools = createTools(fakeToolchain(tool), { probeLimitMs });
    return codeOf(await tools.probe(film, new AbortController().signal));
  }

  test('never ends is ended in time', async () => {
    expect(await probeCodeOf([{ do: 'hang' }], 200)).toBe('timeout');
    expect(childProcesses()).toEqual([]);
  });

  test('answers without end is ended as damage, before memory is', async () => {
    const text = 'x'.repeat(100_000);
    expect(await probeCodeOf([{ do: 'stdout', text, times: 10_000 }, { do: 'hang' }])).toBe(
      'corrupt',
    );
  });

  test('answers nothing that makes sense means damage; that crashes, none', async () => {
    expect(await probeCodeOf([{ do: 'stdout', text: '{"streams":1}' }])).toBe('corrupt');
    expect(await probeCodeOf([{ do: 'die', signal: 'SIGSEGV' }])).toBe('tool');
  });
});

import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { silentLogger } from '../../../src/base/logger.ts';
import { createStarter } from '../../../src/processes/create-starter.ts';
import type { Launch } from '../../../src/processes/launch.ts';
import { createRecognizer, findSpeechEngine } from '../../../src/speech/create-recognizer.ts';
import type { RecognizerOptions } from '../../../src/speech/create-recognizer.ts';
import { findWhisperCli } from '../../../src/speech/whisper-cli.ts';
import { modelPath, samplePath, writePhrases } from '../../conformance/recognizer/sounds.ts';
import { childProcesses } from '../../support/child-processes.ts';
import { compileLauncher } from '../../support/starters.ts';
import { createTempDirectory } from '../../support/temp-directory.ts';

const execute = promisify(execFile);

function options(changes: Partial<RecognizerOptions> = {}): RecognizerOptions {
  return {
    engine: 'auto',
    model: modelPath,
    modelsDir: '/nowhere',
    clock: systemClock,
    logger: silentLogger,
    ...changes,
  };
}

async function recognizeSample(
  changes: Partial<RecognizerOptions>,
  recognizer = createRecognizer(options(changes)),
) {
  await using scratch = await createTempDirectory();
  const scratchDirectory = scratch.path;
  return await recognizer.recognize(
    { path: samplePath, durationSec: 10.775, threads: 1, scratchDirectory },
    { signal: new AbortController().signal, onProgress: () => {} },
  );
}

/** Writes a program that is a shell script. */
async function writeProgram(path: string, script: string): Promise<string> {
  await writeFile(path, `#!/bin/sh\n${script}\n`);
  await chmod(path, 0o755);
  return path;
}

/** Lets the first child that is started crash, as the addon does on a machine that it was not made for. */
function crashFirst(): Launch {
  let count = 0;
  return (argv) => {
    count += 1;
    return count === 1 ? ['sh', '-c', 'kill -ILL $$'] : argv;
  };
}

describe('the choice of an engine', () => {
  test('falls on the addon, with its version', async () => {
    const engine = await findSpeechEngine(options());
    expect(engine).toEqual({
      ok: true,
      value: { name: 'addon', description: expect.stringContaining('@fugood/whisper.node 1.1.1') },
    });
    const recognizer = createRecognizer(options());
    expect(recognizer.name).toBe('auto');
    const recognized = await recognizeSample({}, recognizer);
    expect(recognized).toMatchObject({ ok: true, value: { recognizer: 'addon' } });
    expect(recognizer.name).toBe('addon');
  });

  test('falls on the command line where the addon crashes', async () => {
    await using directory = await createTempDirectory();
    const whisperCli = await writeProgram(join(directory.path, 'my-whisper'), 'exit 0');
    const engine = await findSpeechEngine(options({ launch: crashFirst(), whisperCli }));
    expect(engine).toMatchObject({ ok: true, value: { name: 'cli' } });
    expect(JSON.stringify(engine)).toContain(whisperCli);
  });

  test('fails with what to do where there is neither', async () => {
    const engine = await findSpeechEngine(
      options({ launch: crashFirst(), whisperCli: '/nowhere/whisper-cli' }),
    );
    expect(engine).toMatchObject({ ok: false, error: { code: 'tool' } });
    expect(!engine.ok && engine.error.message).toContain('npm run build:whisper-cli');
  });
});

test('the command line works where the request says, and leaves nothing there', async () => {
  await using directory = await createTempDirectory();
  const scratchDirectory = join(directory.path, 'scratch');
  await mkdir(scratchDirectory);
  const place = join(directory.path, 'place');
  const whisperCli = await writeProgram(
    join(directory.path, 'whisper'),
    `pwd > ${place}; ls >> ${place}`,
  );
  const recognized = await createRecognizer(options({ engine: 'cli', whisperCli })).recognize(
    { path: samplePath, durationSec: 10.775, threads: 1, scratchDirectory },
    { signal: new AbortController().signal, onProgress: () => {} },
  );
  expect(recognized.ok).toBe(false);
  const [worked, ...files] = (await readFile(place, 'utf8')).trim().split('\n');
  expect(dirname(worked ?? '')).toBe(scratchDirectory);
  expect(files).toContain('0.wav');
  expect(await readdir(scratchDirectory)).toEqual([]);
});

describe('the search for a command line', () => {
  test('takes the one of the setting, and no other when it is not there', async () => {
    await using directory = await createTempDirectory();
    const path = await writeProgram(join(directory.path, 'anything'), 'exit 0');
    expect(await findWhisperCli(path, '')).toEqual({
      ok: true,
      value: { path, origin: 'setting' },
    });
    const missing = await findWhisperCli('/nowhere/whisper-cli', process.env['PATH'] ?? '');
    expect(missing).toMatchObject({ ok: false, error: { code: 'tool' } });
  });

  test('finds both of its names on the search path, but no `main`', async () => {
    await using directory = await createTempDirectory();
    for (const name of ['main', 'whisper-cpp', 'whisper-cli']) {
      await mkdir(join(directory.path, name));
      await writeProgram(join(directory.path, name, name), 'exit 0');
    }
    const find = (...names: readonly string[]) =>
      findWhisperCli(undefined, names.map((name) => join(directory.path, name)).join(':'));
    const ofPath = { ok: true, value: { origin: 'path' } };
    expect(await find('main', 'whisper-cpp')).toMatchObject(ofPath);
    expect(await find('main', 'whisper-cli')).toMatchObject(ofPath);
    expect(JSON.stringify(await find('main'))).not.toContain(directory.path);
  });
});

describe('a command line', () => {
  test.each([
    ['says nothing', 'exit 0'],
    ['fails', 'echo bad argument >&2; exit 1'],
    ['answers nonsense', 'echo nonsense > 0.json'],
    ['is no program', 'exec /nowhere/at/all'],
  ])('that %s is a failure, and leaves nothing behind', async (_what, script) => {
    await using directory = await createTempDirectory();
    const whisperCli = await writeProgram(join(directory.path, 'whisper'), script);
    const temporary = join(directory.path, 'temporary');
    await mkdir(temporary);
    vi.stubEnv('TMPDIR', temporary);
    onTestFinished(() => void vi.unstubAllEnvs());
    const recognized = await recognizeSample({ engine: 'cli', whisperCli });
    expect(recognized).toMatchObject({ ok: false, error: { code: 'tool' } });
    expect(childProcesses()).toEqual([]);
    expect(await readdir(temporary)).toEqual([]);
  });
});

describe('in the sandbox', async () => {
  const launcherPath = await compileLauncher();

  test.skipIf(launcherPath === undefined).for(['addon', 'cli'] as const)(
    'the engine %s recognizes as outside',
    async (engine, { skip }) => {
      const cli = await findWhisperCli(undefined, process.env['PATH'] ?? '');
      if (engine === 'cli' && !cli.ok) skip(cli.error.message);
      const search = { clock: systemClock, launcherPath: launcherPath ?? '' };
      await using starter = await createStarter({ ...search, sandbox: 'auto' });
      expect(starter.sandbox).toBe('launcher');
      const [outside, inside] = [
        await recognizeSample({ engine }),
        await recognizeSample({ engine, starter }),
      ];
      expect(inside.ok).toBe(true);
      expect(inside).toEqual(outside);
    },
  );
});

describe('the speech child', () => {
  test('gets no environment but the search path, the locale and its thread budget', async () => {
    await using directory = await createTempDirectory();
    const file = join(directory.path, 'environment');
    const launch: Launch = (argv) => ['sh', '-c', `env > "$0"; exec "$@"`, file, ...argv];
    await recognizeSample({ engine: 'addon', launch, searchPath: '/usr/bin:/bin' });
    const { stdout } = await execute('cat', [file]);
    const names = stdout.split('\n').map((line) => line.split('=')[0]);
    // The shell adds its own.
    const own = names.filter((name) => !['PWD', 'OLDPWD', 'SHLVL', '_', ''].includes(name ?? ''));
    expect(new Set(own)).toEqual(
      new Set(['LANG', 'OMP_NUM_THREADS', 'OMP_THREAD_LIMIT', 'OMP_WAIT_POLICY', 'PATH']),
    );
  });

  test('dies with the service, however that ends', async () => {
    await using directory = await createTempDirectory();
    const held = join(directory.path, 'held');
    await execute('mkfifo', [held]);
    const { path } = await writePhrases(
      join(directory.path, 'long.wav'),
      Array.from({ length: 60 }, () => 1500),
    );
    const program = join(import.meta.dirname, 'abandoned-service.ts');
    const service = spawn(process.execPath, [program, modelPath, path, held], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    // Ends when the child, which alone holds the other end, is gone.
    const childLife = createReadStream(held);
    childLife.resume();
    const childEnd = once(childLife, 'end');
    const [first] = await once(service.stdout, 'data');
    service.kill('SIGKILL');
    await childEnd;
    expect(String(first)).not.toContain('recognized');
  });
});

describe('the build of the command line', () => {
  test('says what is missing where there is no compiler', async () => {
    await using directory = await createTempDirectory();
    const script = join(import.meta.dirname, '../../../src/speech/build-whisper-cli.ts');
    const build = execute(process.execPath, [script], { env: { PATH: directory.path } });
    await expect(build).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringContaining('needs make and cc and g++'),
    });
  });
});

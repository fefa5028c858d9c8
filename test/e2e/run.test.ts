import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, afterAll, describe, expect, test } from 'vitest';
import { builtLauncherPath } from '../../src/processes/create-starter.ts';
import { childProcessIds } from '../support/child-processes.ts';
import { anyToolchain } from '../support/toolchains.ts';
import { createTempDirectory, type TempDirectory } from '../support/temp-directory.ts';
import { makeSilentClip, makeSmallClip } from './clips.ts';
import { modelPath, Program, root, samplePath } from './service-process.ts';

let directory: TempDirectory;
let clip: string;
/** The system's directory for temporary files, to see that nothing stays there. */
let temporary: string;

beforeAll(async () => {
  directory = await createTempDirectory();
  temporary = join(directory.path, 'tmp');
  await mkdir(temporary);
  clip = await makeSilentClip(directory.path);
});

afterAll(() => directory[Symbol.asyncDispose]());

/** Runs `reelgraph` in the test's directory and gives what it wrote and how it ended. */
async function reelgraph(...args: string[]): Promise<{ code: number | null; output: string }> {
  await using program = start(...args);
  const { code } = await program.exited;
  return { code, output: program.output };
}

function start(...args: string[]): Program {
  const env = { TMPDIR: temporary, REELGRAPH_WHISPER_MODEL: modelPath };
  return new Program([join(root, 'src', 'main.ts'), ...args], { cwd: directory.path, env });
}

describe('reelgraph run', () => {
  test('makes the products of a film beside the caller and shows how it went', async () => {
    const small = await makeSmallClip(directory.path);
    const { code, output } = await reelgraph('run', small);
    expect({ code, output }).toMatchObject({ code: 0 });
    expect(output).toMatch(/validate started on \d cores?/);
    expect(output).toMatch(/^Timeline {2}.* in all, .* core-seconds reserved/m);
    expect(output).toMatch(/^\* publish .* after /m);
    expect(output).toMatch(/^7 products in small-reelgraph$/m);
    const names = await readdir(join(directory.path, 'small-reelgraph'));
    expect(names.sort()).toEqual([
      '720p.mp4',
      'audio.m4a',
      'captions.srt',
      'captions.vtt',
      'manifest.json',
      'thumbnail.jpg',
      'transcript.json',
    ]);
    expect(await readdir(temporary)).toEqual([]);
    expect((await readdir(directory.path)).filter((name) => name.startsWith('.'))).toEqual([]);
  });

  test('replaces the products of an earlier run, and no other file', async () => {
    const out = join(directory.path, 'again');
    expect((await reelgraph('run', clip, '--out', out)).code).toBe(0);
    const first = await stat(join(out, 'manifest.json'));
    expect((await reelgraph('run', clip, '--out', out)).code).toBe(0);
    expect((await stat(join(out, 'manifest.json'))).ino).not.toBe(first.ino);
    await writeFile(join(out, 'mine.txt'), 'mine');
    const refused = await reelgraph('run', clip, '--out', out);
    expect(refused.code).toBe(2);
    expect(refused.output).toMatch(/holds files that reelgraph did not make, such as "mine.txt"/);
    expect((await reelgraph('run', clip, '--out', out, '--force')).code).toBe(0);
    expect(await readFile(join(out, 'mine.txt'), 'utf8')).toBe('mine');
  });

  test('runs another pipeline with a parameter', async () => {
    const small = await makeSmallClip(directory.path);
    const args = ['--pipeline', 'captions', '--param', 'language=en', '--out', 'words'];
    const { code, output } = await reelgraph('run', small, ...args);
    expect({ code, output }).toMatchObject({ code: 0 });
    const captions = await readFile(join(directory.path, 'words', 'captions.vtt'), 'utf8');
    expect(captions).toContain('hello world');
  });

  test.each([
    ['a file that is not there', ['nowhere.mp4'], /nowhere\.mp4 cannot be read/],
    ['a directory', ['.'], /is not a file/],
    ['an unknown pipeline', ['silent.mp4', '--pipeline', 'standart'], /"standard"/],
    ['an unknown flag', ['silent.mp4', '--pipelin', 'x'], /Did you mean/],
    ['a bad setting', ['silent.mp4', '--cores', 'many'], /--cores is "many", but must be/],
  ])('refuses %s', async (_what, args, message) => {
    const { code, output } = await reelgraph('run', ...args);
    expect(output).toMatch(message);
    expect(code).toBe(2);
  });

  test('ends with 1 and the reason when the film is broken', async () => {
    const broken = join(directory.path, 'broken.mp4');
    await writeFile(broken, Buffer.alloc(100_000, 7));
    const before = (await readdir(directory.path)).toSorted();
    const { code, output } = await reelgraph('run', broken);
    expect(code).toBe(1);
    expect(output).toMatch(/^Error: validate: [A-Z].*\.$/m);
    expect((await readdir(directory.path)).toSorted()).toEqual(before);
  });

  test.each([
    ['on Ctrl-C', 'SIGINT'],
    ['when the terminal is closed', 'SIGHUP'],
  ] as const)('cancels %s and leaves nothing behind', { timeout: 120_000 }, async (_, signal) => {
    const before = (await readdir(directory.path)).toSorted();
    await using program = start('run', samplePath, '--out', 'cancelled');
    await program.waitFor(/transcode-\d+p started/);
    // The line comes a moment before the process.
    await expect.poll(() => childProcessIds(program.child.pid)).not.toEqual([]);
    const children = childProcessIds(program.child.pid);
    program.child.kill(signal);
    const { code } = await program.exited;
    expect({ code, output: program.output }).toMatchObject({ code: 130 });
    expect(program.output).toContain('Cancelling.');
    expect(children.filter((pid) => existsSync(`/proc/${pid}`))).toEqual([]);
    expect(await readdir(temporary)).toEqual([]);
    expect((await readdir(directory.path)).toSorted()).toEqual(before);
  });
});

test('a run that is told twice to end leaves nothing behind either', async () => {
  const before = (await readdir(directory.path)).toSorted();
  await using program = start('run', samplePath, '--out', 'cancelled');
  await program.waitFor(/transcode-\d+p started/);
  program.child.kill('SIGINT');
  program.child.kill('SIGTERM');
  expect((await program.exited).code).toBe(130);
  expect((await readdir(directory.path)).toSorted()).toEqual(before);
});

describe('the other commands', () => {
  test('draw the standard pipeline in every form', async () => {
    const text = await reelgraph('graph');
    expect(text).toMatchObject({ code: 0 });
    expect(text.output).toMatch(/└─ publish +publish +also needs thumbnail, merge-720p/);
    const mermaid = await reelgraph('graph', 'standard', '--format', 'mermaid');
    expect(mermaid.output).toMatch(/^flowchart LR/);
    const dot = await reelgraph('graph', 'captions', '--format', 'dot');
    expect(dot.output).toMatch(/^digraph "captions"/);
  });

  test('look at the machine and say that all is there', async () => {
    const { code, output } = await reelgraph('doctor');
    expect({ code, output }).toMatchObject({ code: 0 });
    for (const title of ['Cores', 'Memory', 'ffmpeg', 'ffprobe', 'Pipelines', 'Data directory']) {
      expect(output).toMatch(new RegExp(`^[✔!] ${title} `, 'm'));
    }
  });

  test('say what is broken, and end with 1', async () => {
    const { code, output } = await reelgraph('doctor', '--ffmpeg-path', 'no/ffmpeg');
    expect(code).toBe(1);
    expect(output).toMatch(/^✖ ffmpeg .*FFMPEG_PATH/m);
  });

  test.skipIf(!existsSync(builtLauncherPath))(
    'look at programs inside the sandbox, where the service runs them (needs a C compiler)',
    async () => {
      const { ffmpeg } = await anyToolchain();
      const library = join(directory.path, 'library');
      const needy = join(directory.path, 'needy-ffmpeg');
      const script = `#!/bin/sh\nread -r line <"${library}" || exit 1\nexec "${ffmpeg.path}" "$@"\n`;
      await writeFile(library, 'what it needs\n');
      await writeFile(needy, script, { mode: 0o755 });
      const confined = await reelgraph('doctor', '--ffmpeg-path', needy);
      expect(confined.output).toMatch(/^✖ ffmpeg /m);
      const free = await reelgraph('doctor', '--ffmpeg-path', needy, '--sandbox', 'off');
      expect(free.output).toMatch(/^✔ ffmpeg /m);
    },
  );

  test('are suggested to who mistypes them', async () => {
    const { code, output } = await reelgraph('rum', 'silent.mp4');
    expect(output).toMatch(/unknown command 'rum'\n\(Did you mean run\?\)/);
    expect(code).toBe(2);
  });

  test('explain themselves', async () => {
    const { code, output } = await reelgraph('run', '--help');
    expect(code).toBe(0);
    expect(output).toMatch(/--out <directory>/);
    expect(output).toMatch(/--data-dir <text> +REELGRAPH_DATA_DIR +\.\/data/);
  });
});

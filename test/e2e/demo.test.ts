import { expect, test } from 'vitest';
import { createTempDirectory } from '../support/temp-directory.ts';
import { Program } from './service-process.ts';

test(
  'the demo serves, runs the sample clip, prints the addresses of the products and ends',
  { timeout: 300_000 },
  async () => {
    await using directory = await createTempDirectory();
    const flags = ['--exit', '--port', '0', '--data-dir', directory.path];
    await using program = new Program(['src/main.ts', 'demo', ...flags]);
    const { code } = await program.exited;
    expect({ code, output: program.output }).toMatchObject({ code: 0 });
    expect(program.output).toMatch(/^reelgraph serves on http:\/\/127\.0\.0\.1:\d+$/m);
    expect(program.output).toMatch(/transcode-720p started on \d cores?$/m);
    expect(program.output).toMatch(/^\* publish .*after (merge-720p|merge-1080p|thumbnail)/m);
    expect(program.output).toContain('job succeeded');
    for (const name of [
      '720p.mp4',
      '1080p.mp4',
      'thumbnail.jpg',
      'captions.vtt',
      'manifest.json',
    ]) {
      expect(program.output).toMatch(
        new RegExp(`^  ${name} +[\\d.]+ K?M?i?B  http://.*/artifacts/${name}$`, 'm'),
      );
    }
  },
);

test('the demo goes on serving until it is told to end', { timeout: 300_000 }, async () => {
  await using directory = await createTempDirectory();
  await using program = new Program([
    'src/main.ts',
    'demo',
    '--port',
    '0',
    '--data-dir',
    directory.path,
  ]);
  const match = await program.waitFor(/Serving on (\S+) until/);
  const answer = await fetch(`${match[1]}/v1/jobs`);
  expect(answer.status).toBe(200);
  program.child.kill('SIGINT');
  expect((await program.exited).code).toBe(0);
});

import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { path as ffmpegPath } from '@ffmpeg-installer/ffmpeg';
import { chromium, type Browser, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ApiRig } from './api-rig.ts';

const run = promisify(execFile);

/** Debian's Chromium, or another one by `CHROMIUM_PATH`. */
const chromiumPath = process.env['CHROMIUM_PATH'] ?? '/usr/bin/chromium';

/** Two seconds of test picture and tone. */
const film = '-f lavfi -i testsrc=size=160x90:rate=10:duration=2 -f lavfi -i sine=duration=2';

describe.skipIf(!existsSync(chromiumPath))('A browser', () => {
  let rig: ApiRig;
  let browser: Browser;
  let page: Page;
  let base: string;

  beforeAll(async () => {
    rig = await ApiRig.start();
    const jobId = await rig.makeJob();
    base = `${rig.url}/v1/jobs/${jobId}`;
    rig.service.start(jobId, 'validate');
    const script = '<script>document.title = "run"</script>';
    rig.service.succeed(jobId, 'validate', {
      files: [
        { name: '720p.mp4', content: await makeFilm() },
        { name: 'page.html', content: Buffer.from(script), mediaType: 'text/html' },
        { name: 'page.mp4', content: Buffer.from(script) },
      ],
    });
    browser = await chromium.launch({ executablePath: chromiumPath, args: ['--no-sandbox'] });
    page = await browser.newPage();
  });

  afterAll(async () => {
    await browser.close();
    await rig[Symbol.asyncDispose]();
  });

  test('plays a product whose address is opened', async () => {
    await page.goto(`${base}/artifacts/720p.mp4`);

    await page.waitForFunction('document.querySelector("video")?.readyState >= 3');
    expect(await page.evaluate('document.querySelector("video").duration')).toBeCloseTo(2, 0);
  });

  test.each(['page.html', 'page.mp4'])('runs no script out of %s', async (name) => {
    await page.goto(`${base}/artifacts/${name}`);

    expect(await page.title()).not.toBe('run');
  });

  test('follows a job with its own event source', async () => {
    await page.goto(`${rig.url}/healthz`);

    const ids = await page.evaluate(`new Promise((resolve) => {
      const ids = [];
      new EventSource('${base}/events').addEventListener('node', (event) => {
        ids.push(Number(event.lastEventId));
        if (ids.length === 3) resolve(ids);
      });
    })`);

    expect(ids).toEqual([2, 4, 5]);
  });
});

async function makeFilm(): Promise<Buffer> {
  const directory = await mkdtemp(join(tmpdir(), 'reelgraph-film-'));
  const path = join(directory, 'film.mp4');
  const codecs = '-c:v libx264 -pix_fmt yuv420p -c:a aac -movflags +faststart';
  await run(ffmpegPath, ['-v', 'error', ...film.split(' '), ...codecs.split(' '), path]);
  const content = await readFile(path);
  await rm(directory, { recursive: true });
  return content;
}

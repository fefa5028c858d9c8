import { existsSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { chromium, type Browser, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { JobView } from '../../src/api/schema.ts';
import { createTempDirectory, type TempDirectory } from '../support/temp-directory.ts';
import { makeSmallClip } from './clips.ts';
import { ServiceProcess } from './service-process.ts';

/** Where Debian puts it; another place can be named. */
const chromiumPath = process.env['CHROMIUM_PATH'] ?? '/usr/bin/chromium';

/** Without a display, without a sandbox (which root cannot have), and without calls home. */
const chromiumArgs = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--autoplay-policy=no-user-gesture-required',
];

if (!existsSync(chromiumPath)) {
  console.warn(`No browser at ${chromiumPath}: install chromium or set CHROMIUM_PATH.`);
}

describe.skipIf(!existsSync(chromiumPath))('the products in a browser', () => {
  let directory: TempDirectory;
  let service: ServiceProcess;
  let browser: Browser;
  let site: Server;
  let page: Page;
  let job: JobView;

  beforeAll(async () => {
    directory = await createTempDirectory();
    service = await ServiceProcess.start();
    job = await service.run(await makeSmallClip(directory.path));
    site = await serveSite(service.url, job);
    browser = await chromium.launch({ executablePath: chromiumPath, args: chromiumArgs });
    page = await browser.newPage();
    const address = site.address();
    if (address === null || typeof address === 'string') throw new Error('The site has no port.');
    await page.goto(`http://127.0.0.1:${address.port}/`);
  }, 180_000);

  afterAll(async () => {
    await browser?.close();
    site?.close();
    await service?.[Symbol.asyncDispose]();
    await directory?.[Symbol.asyncDispose]();
  });

  test('play: time goes on and the picture has its size', async () => {
    const played = z
      .object({
        currentTime: z.number(),
        duration: z.number(),
        videoWidth: z.number(),
        videoHeight: z.number(),
      })
      .parse(await page.evaluate('play()'));
    expect(played).toMatchObject({ videoWidth: 640, videoHeight: 360 });
    expect(played.currentTime).toBeGreaterThan(0.5);
    expect(played.duration).toBeGreaterThan(10);
    expect(played.duration).toBeLessThan(11);
  });

  test('can be jumped about in', async () => {
    expect(await page.evaluate('seek(8)')).toBeCloseTo(8, 1);
  });

  test('have captions that the browser reads', async () => {
    const cues = z.array(z.string()).parse(await page.evaluate('readCues()'));
    expect(cues.join(' ')).toBe('hello world camera ready scene seven start stop');
  });

  test('have a picture and a sound track that the browser takes', async () => {
    const facts = z
      .object({ width: z.number(), height: z.number(), seconds: z.number() })
      .parse(await page.evaluate('readStills()'));
    expect(facts).toMatchObject({ width: 640, height: 360 });
    expect(facts.seconds).toBeGreaterThan(10);
  });
});

/** A page as a site would show the film, with what the tests ask of it. */
const html = `<!doctype html><title>Film</title>
<video src="/720p.mp4" muted controls>
  <track kind="captions" src="/captions.vtt" default>
</video>
<audio src="/audio.m4a" preload="metadata"></audio>
<img src="/thumbnail.jpg" alt="">
<script>
  const [video, audio, image, track] =
    ['video', 'audio', 'img', 'track'].map((name) => document.querySelector(name));

  /** Waits for one event of an element, or fails with the element's error. */
  const until = (element, name) => new Promise((resolve, reject) => {
    element.addEventListener(name, resolve, { once: true });
    element.addEventListener('error', () => reject(new Error(
      element.error ? element.error.message : element.src + ' did not load')), { once: true });
  });

  async function play() {
    await video.play();
    while (video.currentTime <= 0.5) await until(video, 'timeupdate');
    const { currentTime, duration, videoWidth, videoHeight } = video;
    return { currentTime, duration, videoWidth, videoHeight };
  }

  async function seek(seconds) {
    video.pause();
    const done = until(video, 'seeked');
    video.currentTime = seconds;
    await done;
    return video.currentTime;
  }

  async function readCues() {
    track.track.mode = 'showing';
    if (track.readyState !== 2) await until(track, 'load');
    return [...track.track.cues].map((cue) => cue.text);
  }

  async function readStills() {
    await image.decode();
    if (audio.readyState < 1) await until(audio, 'loadedmetadata');
    return { width: image.naturalWidth, height: image.naturalHeight, seconds: audio.duration };
  }
</script>`;

/**
 * A site as it would show the film. The service's products are passed through under the site's own
 * address, as captions must come from where the page comes from; ranges are passed through too.
 */
function serveSite(serviceUrl: string, job: JobView): Promise<Server> {
  const server = createServer((request, response) => {
    const name = (request.url ?? '/').slice(1);
    if (name === '') {
      response.setHeader('content-type', 'text/html').end(html);
      return;
    }
    void passThrough(
      `${serviceUrl}/v1/jobs/${job.id}/artifacts/${name}`,
      request.headers.range,
    ).then(({ status, headers, body }) => response.writeHead(status, headers).end(body));
  });
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)));
}

async function passThrough(url: string, range: string | undefined) {
  const answer = await fetch(url, { headers: range === undefined ? {} : { range } });
  const headers = Object.fromEntries(
    ['content-type', 'content-length', 'content-range', 'accept-ranges'].flatMap((name) => {
      const value = answer.headers.get(name);
      return value === null ? [] : [[name, value]];
    }),
  );
  return { status: answer.status, headers, body: Buffer.from(await answer.arrayBuffer()) };
}

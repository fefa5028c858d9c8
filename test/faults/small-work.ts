import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { path as ffmpegPath } from '@ffmpeg-installer/ffmpeg';
import { path as ffprobePath } from '@ffprobe-installer/ffprobe';
import { createReplayTools } from '../fakes/replay-tools.ts';

const run = promisify(execFile);

/** Tries again soon: a test has no time for the delays of a real pipeline. */
const retry = '{ attempts: 3, backoff: 50ms }';

/**
 * Upload to published film in four nodes, one after the other, so that its steps have an order.
 * `encoding` is what the transcode is given, as YAML.
 */
export function filmPipeline(name: string, encoding: string): string {
  return `name: ${name}
nodes:
  validate:
    uses: validate
    retry: ${retry}
  transcode:
    uses: transcode
    needs: [validate]
    with: ${encoding}
    retry: ${retry}
  merge:
    uses: merge
    needs: [transcode]
    with: { name: film }
    retry: ${retry}
  publish:
    uses: publish
    needs: [merge]
    retry: ${retry}
`;
}

/** Sound, a picture and two films, in parallel where cores allow. */
const widePipeline = `name: wide
nodes:
  validate:
    uses: validate
    retry: ${retry}
  extract-audio:
    uses: extract-audio
    needs: [validate]
    when: media.audio
    retry: ${retry}
  thumbnail:
    uses: thumbnail
    needs: [validate]
    when: media.video
    retry: ${retry}
  transcode-64p:
    uses: transcode
    needs: [validate]
    when: media.video
    with: { resolution: 64, preset: ultrafast }
    retry: ${retry}
  transcode-128p:
    uses: transcode
    needs: [validate]
    when: media.video && media.shortSide > 64
    with: { resolution: 128, preset: ultrafast }
    retry: ${retry}
  merge-64p:
    uses: merge
    needs: [transcode-64p, extract-audio]
    with: { name: 64p }
    retry: ${retry}
  merge-128p:
    uses: merge
    needs: [transcode-128p, extract-audio]
    with: { name: 128p }
    retry: ${retry}
  publish:
    uses: publish
    needs: [thumbnail, merge-64p, merge-128p]
    retry: ${retry}
`;

/** Clips of a second, pipelines that take about as long, and flags for a service that knows them. */
export interface SmallWork {
  readonly clip: string;
  /** Flags of `serve`: real tools. */
  readonly flags: readonly string[];
  /** Flags of `serve`: tools that repeat what the real ones made of {@link SmallWork.clip}. */
  readonly replayFlags: readonly string[];
}

/** Writes the clip, the pipelines `small`, `slow` and `wide`, and the tools into a directory. */
export async function prepareSmallWork(directory: string): Promise<SmallWork> {
  const pipelines = join(directory, 'pipelines');
  await mkdir(pipelines);
  const films = {
    small: '{ resolution: 64, preset: ultrafast }',
    // An encoder that works for seconds, so that it can be met.
    slow: '{ resolution: 720, preset: slow }',
  };
  for (const [name, encoding] of Object.entries(films)) {
    await writeFile(join(pipelines, `${name}.yaml`), filmPipeline(name, encoding));
  }
  await writeFile(join(pipelines, 'wide.yaml'), widePipeline);
  const clip = await makeClip(join(directory, 'clip.mp4'), { size: '96x64', seconds: 1 });
  const real = { ffmpeg: ffmpegPath, ffprobe: ffprobePath };
  const replay = await createReplayTools(directory, real);
  const flagsOf = (tools: typeof real): readonly string[] => [
    ...['--pipelines', pipelines, '--ffmpeg-path', tools.ffmpeg, '--ffprobe-path', tools.ffprobe],
    // Every job does all of its work, and what it leaves goes at its end.
    ...['--cache-bytes-max', '0', '--source-retention-sec', '0'],
  ];
  return { clip, flags: flagsOf(real), replayFlags: [...flagsOf(replay), '--sandbox', 'off'] };
}

/** Makes a film with a tone, of so many seconds and pixels; gives its path. */
export async function makeClip(
  path: string,
  { size, seconds }: { readonly size: string; readonly seconds: number },
): Promise<string> {
  const picture = ['-f', 'lavfi', '-i', `testsrc2=size=${size}:rate=10:duration=${seconds}`];
  const sound = ['-f', 'lavfi', '-i', `sine=frequency=440:duration=${seconds}`];
  const h264 = ['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p'];
  const aac = ['-c:a', 'aac', '-b:a', '32k'];
  await run(ffmpegPath, [
    '-v',
    'error',
    '-nostdin',
    '-y',
    ...picture,
    ...sound,
    ...h264,
    ...aac,
    path,
  ]);
  return path;
}

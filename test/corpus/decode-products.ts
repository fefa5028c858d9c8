import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runProgram } from '../support/media.ts';

/** A decoded video, or a still. */
export interface DecodedPictures {
  readonly width: number;
  readonly height: number;
  /** Seconds, in the order of the file. */
  readonly times: readonly number[];
  /** RGB, 8 bits, one buffer per picture. */
  readonly pictures: readonly Buffer[];
}

/** A decoded sound track. */
export interface DecodedSound {
  readonly rateHz: number;
  /** −1…1, one array per channel, from time zero on. */
  readonly channels: readonly Float32Array[];
}

/** All that was made of an upload, decoded. */
export interface DecodedProducts {
  readonly film?: DecodedPictures;
  readonly thumbnail?: DecodedPictures;
  readonly sound?: DecodedSound;
}

/**
 * Decodes the products of one job with one run of ffmpeg.
 *
 * @param products name → bytes, `film.mp4`, `audio.m4a` and `thumbnail.jpg` of which are looked at.
 * @param directory an empty one, for the files on the way.
 */
export async function decodeProducts(
  ffmpeg: string,
  products: ReadonlyMap<string, Buffer>,
  directory: string,
): Promise<DecodedProducts> {
  const film = products.get('film.mp4');
  const audio = products.get('audio.m4a');
  const thumbnail = products.get('thumbnail.jpg');
  const at = (name: string): string => join(directory, name);
  const inputs: string[] = [];
  const outputs: string[] = [];
  const add = async (name: string, bytes: Buffer): Promise<number> => {
    await writeFile(at(name), bytes);
    inputs.push('-i', at(name));
    return inputs.length / 2 - 1;
  };
  for (const [name, bytes] of [
    ['film.mp4', film],
    ['thumbnail.jpg', thumbnail],
  ] as const) {
    if (bytes === undefined) continue;
    const map = [
      '-map',
      `${await add(name, bytes)}:v`,
      '-vsync',
      'passthrough',
      '-pix_fmt',
      'rgb24',
    ];
    outputs.push(
      ...map,
      '-f',
      'rawvideo',
      at(`${name}.rgb`),
      ...map,
      '-f',
      'framecrc',
      at(`${name}.crc`),
    );
  }
  // The track as it is in the film, where there is one: that is what a viewer hears.
  if (audio !== undefined) {
    const index = film === undefined ? await add('audio.m4a', audio) : 0;
    outputs.push(
      '-map',
      `${index}:a`,
      '-af',
      'aresample=first_pts=0',
      '-c:a',
      'pcm_f32le',
      '-bitexact',
      '-f',
      'wav',
      at('sound.wav'),
    );
  }
  if (outputs.length === 0) return {};
  await runProgram(ffmpeg, ['-v', 'error', '-nostdin', '-y', ...inputs, ...outputs]);
  return {
    ...(film && { film: await readPictures(at('film.mp4')) }),
    ...(thumbnail && { thumbnail: await readPictures(at('thumbnail.jpg')) }),
    ...(audio && { sound: readWav(await readFile(at('sound.wav'))) }),
  };
}

/** Reads `….rgb` with the sizes and times of `….crc` (ffmpeg's framecrc format). */
async function readPictures(path: string): Promise<DecodedPictures> {
  const facts = await readFile(`${path}.crc`, 'utf8');
  const raw = await readFile(`${path}.rgb`);
  const [, width = 0, height = 0] = (/#dimensions 0: (\d+)x(\d+)/.exec(facts) ?? []).map(Number);
  const [, per = 1, of = 1] = (/#tb 0: (\d+)\/(\d+)/.exec(facts) ?? []).map(Number);
  const lines = facts.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  const times = lines.map((line) => (Number(line.split(',')[2]) * per) / of);
  const bytes = width * height * 3;
  const pictures = lines.map((_, index) => raw.subarray(index * bytes, (index + 1) * bytes));
  return { width, height, times, pictures };
}

/** Reads a WAV file of 32-bit floats (RIFF); chunks other than the two that matter are skipped. */
function readWav(bytes: Buffer): DecodedSound {
  let [rateHz, count] = [0, 1];
  for (let at = 12; at + 8 <= bytes.length;) {
    const name = bytes.toString('latin1', at, at + 4);
    const size = Math.min(bytes.readUInt32LE(at + 4), bytes.length - at - 8);
    if (name === 'fmt ') {
      count = bytes.readUInt16LE(at + 10);
      rateHz = bytes.readUInt32LE(at + 12);
    }
    if (name === 'data') {
      const start = at + 8;
      const frames = Math.floor(size / 4 / count);
      const channels = Array.from({ length: count }, (_c, channel) =>
        Float32Array.from({ length: frames }, (_f, frame) =>
          bytes.readFloatLE(start + 4 * (frame * count + channel)),
        ),
      );
      return { rateHz, channels };
    }
    at += 8 + size + (size % 2);
  }
  return { rateHz, channels: [] };
}

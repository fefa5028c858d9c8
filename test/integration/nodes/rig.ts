import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { silentLogger } from '../../../src/base/logger.ts';
import type { MediaTools } from '../../../src/ffmpeg/media-tools.ts';
import type { Toolchain } from '../../../src/ffmpeg/toolchain.ts';
import { createMediaTools } from '../../../src/ffmpeg/tools.ts';
import type { MediaProbe } from '../../../src/graph/media-probe.ts';
import type { MediaRole } from '../../../src/graph/media-role.ts';
import type { NodeKind, NodeOutcome } from '../../../src/nodes/node-kind.ts';
import { Clips, runProgram } from '../../support/media.ts';
import type { ClipName } from '../../support/media.ts';
import { attemptOf, inputArtifact } from '../../support/node-attempt.ts';
import { createTempDirectory } from '../../support/temp-directory.ts';
import type { TempDirectory } from '../../support/temp-directory.ts';
import {
  anyToolchain,
  describeWithToolchains,
  toolchainsUnderTest,
} from '../../support/toolchains.ts';

/** Frames of a video, decoded: small raw pictures in display order, with the times they are shown at. */
export interface Frames {
  /** Where the file begins, in seconds. */
  readonly startSec: number;
  readonly width: number;
  readonly height: number;
  /** Seconds, ascending, one per picture. */
  readonly times: readonly number[];
  /** RGB, 8 bit, one buffer per picture. */
  readonly pictures: readonly Buffer[];
}

/** What ran, and where its files are. */
export interface Ran {
  readonly outcome: NodeOutcome;
  readonly media: MediaProbe;
  /** Absolute path of an output. */
  readonly path: (name: string) => string;
}

/** Samples per second at which the beep is looked for. */
const beepRateHz = 48_000;

/** A toolchain under test with clips, and the means to look into what it makes. */
export class Rig {
  readonly tools: MediaTools;
  readonly #shelf: Shelf;
  readonly #ran = new Map<string, Promise<Ran>>();
  readonly #probed = new Map<string, Promise<MediaProbe>>();
  #directory!: TempDirectory;
  #runs = 0;

  constructor(toolchain: Toolchain, shelf: Shelf) {
    this.#shelf = shelf;
    this.tools = createMediaTools({
      toolchain,
      limits: { pixelsMax: 36_000_000, durationSecMax: 14_400, streamsMax: 64 },
      logger: silentLogger,
      clock: systemClock,
    });
  }

  async open(): Promise<void> {
    this.#directory = await createTempDirectory();
  }

  async close(): Promise<void> {
    await this.#directory[Symbol.asyncDispose]();
  }

  clip(name: ClipName): Promise<string> {
    return this.#shelf.clips.get(name);
  }

  /**
   * Probes a clip and runs a kind on it, once for all tests of a suite that ask for the same. Throws
   * with the failure's code when it fails.
   */
  run<Params>(kind: NodeKind<Params>, clip: ClipName, params: NoInfer<Params>): Promise<Ran> {
    const key = JSON.stringify([kind.name, clip, params]);
    const ran = this.#ran.get(key) ?? this.#runClip(kind, clip, params);
    this.#ran.set(key, ran);
    return ran;
  }

  async #runClip<Params>(kind: NodeKind<Params>, clip: ClipName, params: Params): Promise<Ran> {
    const path = await this.clip(clip);
    return this.runOn<Params>(kind, params, [{ role: 'source', path }]);
  }

  /** Runs a kind on files; the first one is probed as the source of the job. */
  async runOn<Params>(
    kind: NodeKind<Params>,
    params: NoInfer<Params>,
    files: readonly { readonly role: MediaRole; readonly path: string }[],
  ): Promise<Ran> {
    this.#runs += 1;
    const outputDirectory = join(this.#directory.path, `run-${this.#runs}`);
    await mkdir(outputDirectory);
    const inputs = files.map(({ role, path }) =>
      inputArtifact({ name: basename(path), role, path }),
    );
    const media = await this.#probe(files[0]?.path ?? '');
    const attempt = attemptOf(params, { inputs, media, outputDirectory, cores: 2 });
    const outcome = valueOf(await kind.run(attempt));
    return { outcome, media, path: (name) => join(outputDirectory, name) };
  }

  #probe(path: string): Promise<MediaProbe> {
    const probed =
      this.#probed.get(path) ??
      this.tools.probe(path, new AbortController().signal).then((result) => valueOf(result));
    this.#probed.set(path, probed);
    return probed;
  }

  /** ffprobe's JSON about a file. */
  async inspect(path: string, entries: string, ...options: string[]): Promise<Inspected> {
    const args = ['-v', 'error', ...options, '-show_entries', entries, '-of', 'json', path];
    const answer: Inspected = JSON.parse(
      (await runProgram(this.#shelf.judge.ffprobe.path, args)).toString(),
    );
    return answer;
  }

  /** Decodes all frames of a video, or of a picture, at its own size. */
  async frames(path: string): Promise<Frames> {
    const entries = 'stream=width,height:packet=pts_time:format=start_time';
    const answer = await this.inspect(path, entries, '-select_streams', 'v');
    const { streams = [], packets = [], format } = answer;
    const { width = 0, height = 0 } = streams[0] ?? {};
    const times = packets.map(({ pts_time: time }) => Number(time)).toSorted((a, b) => a - b);
    const raw = await runProgram(
      this.#shelf.judge.ffmpeg.path,
      [
        ['-v', 'error', '-i', path, '-map', '0:v', '-vsync', 'passthrough'],
        ['-pix_fmt', 'rgb24', '-f', 'rawvideo', 'pipe:1'],
      ].flat(),
    );
    const bytes = width * height * 3;
    const pictures = Array.from({ length: raw.length / bytes }, (_, index) =>
      raw.subarray(index * bytes, (index + 1) * bytes),
    );
    return { startSec: Number(format?.start_time), width, height, times, pictures };
  }

  /** Decodes sound to mono samples, −1…1, counted from time zero. */
  async samples(path: string, rateHz: number): Promise<Float32Array> {
    const raw = await runProgram(
      this.#shelf.judge.ffmpeg.path,
      [
        ['-v', 'error', '-i', path, '-map', '0:a', '-af', `aresample=${rateHz}:first_pts=0`],
        ['-ac', '1', '-f', 'f32le', 'pipe:1'],
      ].flat(),
    );
    return new Float32Array(raw.buffer.slice(raw.byteOffset, raw.byteOffset + raw.byteLength));
  }

  /** When the flash is seen and the beep is heard in a file, in seconds behind its beginning. */
  async flashAndBeep(path: string): Promise<{ flashSec: number; beepSec: number }> {
    const { startSec, times, pictures } = await this.frames(path);
    const index = pictures.findIndex((picture) => brightnessOf(picture) > 128);
    const flashSec = (times[index] ?? Number.NaN) - startSec;
    return { flashSec, beepSec: await this.beepSec(path) };
  }

  /** When the beep is heard in a file, in seconds behind its beginning. */
  async beepSec(path: string): Promise<number> {
    const samples = await this.samples(path, beepRateHz);
    const index = samples.findIndex((value) => Math.abs(value) > 0.2);
    return index < 0 ? Number.NaN : index / beepRateHz;
  }

  /** Writes captions and gives their path. */
  async captions(text: string): Promise<string> {
    this.#runs += 1;
    const path = join(this.#directory.path, `captions-${this.#runs}.vtt`);
    await writeFile(path, text);
    return path;
  }
}

/** The part of ffprobe's JSON that tests look at. */
export interface Inspected {
  readonly streams?: readonly {
    readonly [entry: string]: unknown;
    readonly codec_type?: string;
    readonly width?: number;
    readonly height?: number;
    readonly tags?: Readonly<Record<string, string>>;
  }[];
  readonly packets?: readonly {
    readonly pts_time?: string;
    readonly duration_time?: string;
    readonly flags?: string;
  }[];
  readonly format?: {
    readonly start_time?: string;
    readonly tags?: Readonly<Record<string, string>>;
  };
}

const toolchains = await toolchainsUnderTest();

/** The clips of a suite, made and looked at with one and the same program, whichever is under test. */
class Shelf {
  clips!: Clips;
  judge!: Toolchain;
  #directory!: TempDirectory;

  async open(): Promise<void> {
    this.#directory = await createTempDirectory();
    this.judge = await anyToolchain();
    this.clips = new Clips(this.judge.ffmpeg.path, this.#directory.path);
  }

  async close(): Promise<void> {
    await this.#directory[Symbol.asyncDispose]();
  }
}

/** Declares a suite about a kind, once per toolchain. */
export function describeKind(kind: string, suite: (rig: Rig) => void): void {
  describe(`the kind ${kind}`, () => {
    const shelf = new Shelf();
    beforeAll(() => shelf.open());
    afterAll(() => shelf.close());
    describeWithToolchains(toolchains, (toolchain) => {
      const rig = new Rig(toolchain, shelf);
      beforeAll(() => rig.open());
      afterAll(() => rig.close());
      suite(rig);
    });
  });
}

/** The color at a place of a picture, both given as shares of its sides: `[red, green, blue]`. */
export function colorAt(frames: Frames, index: number, place: readonly [number, number]): Color {
  const { width, height, pictures } = frames;
  const column = Math.floor(place[0] * width);
  const row = Math.floor(place[1] * height);
  const at = 3 * (row * width + column);
  const [red = -1, green = -1, blue = -1] = pictures[index]?.subarray(at, at + 3) ?? [];
  return [red, green, blue];
}

/** Red, green, blue, 0…255. */
export type Color = readonly [number, number, number];

/** The names of the colors in the four quarters: above left, above right, below left, below right. */
export function quartersOf(frames: Frames, index = 0): readonly string[] {
  const places = [
    [0.25, 0.25],
    [0.75, 0.25],
    [0.25, 0.75],
    [0.75, 0.75],
  ] as const;
  return places.map((place) => nameOf(colorAt(frames, index, place)));
}

/** How far a channel may be off: lossy coding of a plain color. */
const channelTolerance = 12;

function nameOf(color: Color): string {
  const named: Readonly<Record<string, Color>> = {
    red: [255, 0, 0],
    lime: [0, 255, 0],
    blue: [0, 0, 255],
    white: [255, 255, 255],
  };
  const found = Object.entries(named).find(([, wanted]) =>
    wanted.every((value, index) => Math.abs(value - (color[index] ?? -1)) <= channelTolerance),
  );
  return found?.[0] ?? color.join('/');
}

/** Mean of all channels of a picture, 0…255. */
export function brightnessOf(picture: Buffer | undefined): number {
  if (picture === undefined) return -1;
  return picture.reduce((sum, value) => sum + value, 0) / picture.length;
}

/** Names of the boxes of an MP4 file on its top level, in order. */
export async function boxNames(path: string): Promise<readonly string[]> {
  const bytes = await readFile(path);
  const names: string[] = [];
  for (let at = 0; at + 8 <= bytes.length; at += Math.max(8, bytes.readUInt32BE(at))) {
    names.push(bytes.toString('latin1', at + 4, at + 8));
  }
  return names;
}

/** Thrown where a kind fails; tests compare the code. */
export class KindFailed extends Error {}

function valueOf<Value>(
  result:
    | { readonly ok: true; readonly value: Value }
    | {
        readonly ok: false;
        readonly error: {
          readonly code: string;
          readonly message: string;
          readonly operatorDetail?: string;
        };
      },
): Value {
  if (result.ok) return result.value;
  const { code, message, operatorDetail = '' } = result.error;
  throw new KindFailed(`${code}: ${message} ${operatorDetail}`);
}

import { execFile } from 'node:child_process';
import { open, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { readMp4Boxes } from '../../src/ffmpeg/mp4-box-reader.ts';

/** Output of a program that a test may take in, in bytes: a few seconds of small raw pictures. */
const outputBytesMax = 256 * 1024 * 1024;

/** Runs a program to its end and gives what it wrote; throws when it fails. */
export async function runProgram(program: string, args: readonly string[]): Promise<Buffer> {
  const { stdout } = await promisify(execFile)(program, [...args], {
    encoding: 'buffer',
    maxBuffer: outputBytesMax,
  });
  return stdout;
}

/** Inputs, filters and encoders of a clip: what stands between the program and the file's name. */
interface Recipe {
  readonly extension: string;
  readonly options: readonly string[];
  /** Clockwise turn that players apply, written into the file's display matrix. */
  readonly turn?: 90 | 180 | 270;
  /** Share of the file that is kept: a broken upload. */
  readonly keep?: number;
}

const h264 = ['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p'];
const aac = ['-c:a', 'aac', '-b:a', '96k'];

function lavfi(graph: string): readonly string[] {
  return ['-f', 'lavfi', '-i', graph];
}

/** A test pattern in motion. */
function pattern(size: string, seconds: number, rate: number | string = 30): readonly string[] {
  return lavfi(`testsrc2=s=${size}:r=${rate}:d=${seconds}`);
}

function tone(seconds: number): readonly string[] {
  return lavfi(`sine=f=440:r=48000:d=${seconds}`);
}

/** Four colored quarters: red, lime above; blue, white below. `width` and `height` of one quarter. */
function quarters(width: number, height: number): readonly string[] {
  const quarter = (color: string): string =>
    `color=${color}:s=${width}x${height}:r=30:d=1,format=rgb24`;
  const graph = [
    `${quarter('red')}[a];${quarter('lime')}[b];${quarter('blue')}[c];${quarter('white')}[d]`,
    '[a][b]hstack[top];[c][d]hstack[bottom];[top][bottom]vstack',
  ].join(';');
  return lavfi(graph);
}

/** Black with a white flash, silence with a beep, both from 1.0 to 1.2 s: for measuring sync. */
const flashAndBeep = [
  lavfi(`color=black:s=160x90:r=30:d=2,drawbox=c=white:t=fill:enable='between(t,0.999,1.199)'`),
  lavfi(`aevalsrc='0.8*sin(880*2*PI*t)*between(t,1,1.2)':s=48000:d=2`),
].flat();

/** Every third frame in the first second, all of them later. */
const uneven = `select='gt(t,0.98)+not(mod(n,3))'`;

const recipes = {
  rapid: { extension: 'mp4', options: [pattern('160x90', 1, 480), h264].flat() },
  film: {
    extension: 'mp4',
    options: [
      pattern('640x360', 2),
      tone(2),
      h264,
      aac,
      ['-metadata', 'title=Secret title', '-metadata', 'location=+52.5200+013.4050/'],
      ['-metadata:s:a', 'language=deu', '-metadata:s:v', 'handler_name=Secret camera'],
    ].flat(),
  },
  /** Bears private marks in every place that Matroska has for them. */
  tagged: {
    extension: 'mkv',
    options: [
      pattern('160x90', 1),
      tone(1),
      h264,
      aac,
      ['-metadata', 'title=Secret title', '-metadata', 'location=+52.5200+013.4050/'],
      ['-metadata:s:v', 'title=Secret camera', '-metadata:s:a', 'title=Secret microphone'],
    ].flat(),
  },
  silent: { extension: 'mp4', options: [...pattern('320x180', 1), ...h264] },
  soundOnly: { extension: 'm4a', options: [...tone(1), ...aac] },
  /** A phone held upright: stored lying on its side. */
  portrait: { extension: 'mp4', options: [...quarters(160, 90), ...h264], turn: 90 },
  upsideDown: { extension: 'mp4', options: [...quarters(160, 90), ...h264], turn: 180 },
  /** Odd sides, 4:4:4, full range. */
  odd: {
    extension: 'mkv',
    options: [
      quarters(214, 121),
      ['-vf', 'crop=427:241:0:0,format=yuvj444p', '-c:v', 'mjpeg', '-q:v', '2'],
    ].flat(),
  },
  /** 16:9 stored in 180×144 pixels. */
  anamorphic: {
    extension: 'mp4',
    options: [...quarters(90, 72), '-vf', 'setsar=64/45', ...h264],
  },
  tenBit: {
    extension: 'mkv',
    options: [...pattern('320x180', 1), '-c:v', 'ffv1', '-pix_fmt', 'yuv422p10le'],
  },
  /** High dynamic range: PQ in 10 bits. */
  hdr: {
    extension: 'mkv',
    options: [
      [...pattern('320x180', 1), '-c:v', 'ffv1', '-pix_fmt', 'yuv420p10le'],
      ['-color_primaries', 'bt2020', '-color_trc', 'smpte2084', '-colorspace', 'bt2020nc'],
    ].flat(),
  },
  /** A phone held upright, stored upright: taller than wide. */
  tall: { extension: 'mp4', options: [...pattern('360x640', 1, 10), ...h264] },
  interlaced: {
    extension: 'ts',
    options: [
      pattern('320x192', 1, 50),
      ['-vf', 'tinterlace=interleave_top,fieldorder=tff'],
      ['-c:v', 'mpeg2video', '-flags', '+ilme+ildct', '-b:v', '2M', '-pix_fmt', 'yuv420p'],
    ].flat(),
  },
  /** A cut to another picture every 0.4 s, for 5 s. */
  cuts: {
    extension: 'mp4',
    options: [
      lavfi(
        `testsrc2=s=320x180:r=25:d=5,hue=h=floor(t/0.4)*97,negate=enable='mod(floor(t/0.4)\\,2)'`,
      ),
      h264,
    ].flat(),
  },
  uneven: {
    extension: 'mp4',
    options: [...pattern('160x90', 2), '-vf', uneven, '-vsync', 'vfr', ...h264],
  },
  blackStart: {
    extension: 'mp4',
    options: [
      lavfi(`testsrc2=s=160x90:r=10:d=10,drawbox=c=black:t=fill:enable='lt(t,6)'`),
      h264,
      ['-g', '300'],
    ].flat(),
  },
  black: { extension: 'mp4', options: [...lavfi('color=black:s=160x90:r=10:d=3'), ...h264] },
  /** 5.1 with a tone in the centre and nowhere else. */
  centre: {
    extension: 'mp4',
    options: [
      pattern('160x90', 1),
      lavfi(`aevalsrc='0|0|0.5*sin(440*2*PI*t)|0|0|0':c=5.1:s=48000:d=1`),
      h264,
      aac,
    ].flat(),
  },
  /** Two channels of opposite signs: in mono, nothing is left of them. */
  antiphase: {
    extension: 'wav',
    options: [
      ...lavfi(`aevalsrc='0.5*sin(440*2*PI*t)|-0.5*sin(440*2*PI*t)':c=stereo:s=48000:d=1`),
      '-c:a',
      'pcm_s16le',
    ],
  },
  mono: {
    extension: 'mp4',
    options: [...pattern('160x90', 1), ...tone(1), ...h264, ...aac, '-ac', '1'],
  },
  webm: {
    extension: 'webm',
    options: [
      pattern('320x180', 1),
      tone(1),
      ['-c:v', 'libvpx', '-deadline', 'realtime', '-c:a', 'libvorbis'],
    ].flat(),
  },
  gif: { extension: 'gif', options: pattern('160x90', 1, 10) },
  sync: { extension: 'mp4', options: [...flashAndBeep, ...h264, ...aac] },
  /** MPEG-TS begins at 1.4 s, not at zero. */
  syncStream: { extension: 'ts', options: [...flashAndBeep, ...h264, '-c:a', 'mp2'] },
  /** Likewise, with the picture 0.5 s behind the sound: a broadcast recorded from somewhere. */
  syncStreamLate: {
    extension: 'ts',
    options: [...flashAndBeep, '-vf', 'trim=start=0.5', '-vsync', 'vfr', ...h264, '-c:a', 'mp2'],
  },
  /** Begins ten seconds after zero, and tells its length from zero on. */
  syncAtTen: {
    extension: 'mkv',
    options: [...flashAndBeep, ...h264, ...aac, '-output_ts_offset', '10'],
  },
  /** Every two frames have the same time. */
  twins: {
    extension: 'mkv',
    options: [
      pattern('160x90', 1, 25),
      ['-c:v', 'mjpeg', '-pix_fmt', 'yuvj420p', '-bsf:v', 'setts=ts=floor(N/2)*80'],
    ].flat(),
  },
  syncUneven: {
    extension: 'mp4',
    options: [...flashAndBeep, '-vf', uneven, '-vsync', 'vfr', ...h264, ...aac],
  },
  /** The sound begins at 0.5 s. */
  syncLateSound: {
    extension: 'mkv',
    options: [...flashAndBeep, '-af', 'atrim=start=0.5', ...h264, '-c:a', 'pcm_s16le'],
  },
  /** The picture begins at 0.5 s. */
  syncLatePicture: {
    extension: 'mkv',
    options: [...flashAndBeep, '-vf', 'trim=start=0.5', '-vsync', 'vfr', ...h264, ...aac],
  },
  /** The second half of the file is missing, and only a decoder can tell. */
  half: {
    extension: 'mkv',
    options: [...pattern('320x180', 4), ...tone(4), ...h264, ...aac],
    keep: 0.5,
  },
} as const satisfies Record<string, Recipe>;

/** The clips there are; each is at most ten seconds long and small. */
export type ClipName = keyof typeof recipes;

/** Makes clips when they are first asked for, once per directory. */
export class Clips {
  readonly #ffmpeg: string;
  readonly #directory: string;
  readonly #made = new Map<ClipName, Promise<string>>();

  /** `directory` is the caller's to remove. */
  constructor(ffmpeg: string, directory: string) {
    this.#ffmpeg = ffmpeg;
    this.#directory = directory;
  }

  /** Absolute path of a clip. */
  get(name: ClipName): Promise<string> {
    const made = this.#made.get(name) ?? this.#make(name);
    this.#made.set(name, made);
    return made;
  }

  async #make(name: ClipName): Promise<string> {
    const recipe: Recipe = recipes[name];
    const path = join(this.#directory, `${name}.${recipe.extension}`);
    await runProgram(this.#ffmpeg, ['-v', 'error', '-nostdin', '-y', ...recipe.options, path]);
    if (recipe.turn !== undefined) await turnPicture(path, recipe.turn);
    if (recipe.keep !== undefined) await shorten(path, recipe.keep);
    return path;
  }
}

/** Rows a, b and c, d of the matrix of each turn, as 16.16 fixed point (ISO/IEC 14496-12, 8.3.2). */
const turns = { 90: [0, 1, -1, 0], 180: [-1, 0, 0, -1], 270: [0, -1, 1, 0] } as const;

/**
 * Writes a turn into the track headers of an MP4 file, as phones do. ffmpeg's own ways to do it came
 * and went between versions.
 */
export async function turnPicture(path: string, turn: 90 | 180 | 270): Promise<void> {
  const file = await open(path, 'r+');
  try {
    const whole = await readMp4Boxes(file, 0, (await file.stat()).size);
    const moov = whole.find(({ type }) => type === 'moov');
    const boxes = moov === undefined ? [] : await readMp4Boxes(file, moov.start, moov.end);
    for (const track of boxes.filter(({ type }) => type === 'trak')) {
      const [tkhd] = await readMp4Boxes(file, track.start, track.end);
      const [a, b, c, d] = turns[turn];
      // Each row of three: two numbers, and a third that stays.
      const places = [40, 44, 52, 56];
      for (const [index, value] of [a, b, c, d].entries()) {
        const bytes = Buffer.alloc(4);
        bytes.writeInt32BE(value * 65_536);
        await file.write(bytes, 0, 4, (tkhd?.start ?? 0) + (places[index] ?? 0));
      }
    }
  } finally {
    await file.close();
  }
}

async function shorten(path: string, share: number): Promise<void> {
  const file = await open(path, 'r');
  const { size } = await file.stat();
  await file.close();
  await truncate(path, Math.floor(size * share));
}

import { open } from 'node:fs/promises';
import { join } from 'node:path';
import type { VideoTrack } from '../graph/media-probe.ts';

/** Transfers of high dynamic range, in ffmpeg's names: PQ and HLG (ITU-R BT.2100). */
export type HdrTransfer = 'smpte2084' | 'arib-std-b67';

/** The transfer of a film in high dynamic range; undefined for every other film. */
export function hdrTransferOf({ colorTransfer }: VideoTrack): HdrTransfer | undefined {
  return colorTransfer === 'smpte2084' || colorTransfer === 'arib-std-b67'
    ? colorTransfer
    : undefined;
}

/** Name of the file that holds the table, in the directory of the attempt, where ffmpeg runs. */
export const toneMapName = 'tone-map.cube';

/**
 * Filters that turn BT.2020 pictures in high dynamic range into BT.709 pictures that every screen
 * shows. They give RGB of 16 bits, in planes, for which ffmpeg has vector code. The table is a file
 * beside the outputs ({@link writeToneMap}): every build of ffmpeg can look one up, though not every one
 * has zimg.
 */
export const toneMapFilters: readonly string[] = [
  'format=gbrp16le',
  `lut3d=file=${toneMapName}:interp=tetrahedral`,
];

/** CPU seconds per pixel that the filters cost (720p, ffmpeg 5.1: 0.27 s for 30 pictures). */
export const toneMapCoreSecPerPixel = 10e-9;

/**
 * Writes the table that a film needs, if it needs one: a plane at a time, so that a service that is busy
 * with it goes on answering.
 */
export async function writeToneMap(video: VideoTrack, directory: string): Promise<void> {
  const transfer = hdrTransferOf(video);
  if (transfer === undefined) return;
  await using file = await open(join(directory, toneMapName), 'wx');
  await file.write(cubeHead);
  for (const blue of cubeCodes) await file.write(cubePlane(blue, transfer));
}

/**
 * Entries per side: what color grading uses. Both transfers follow the eye, so what lies between two
 * entries is nearly straight.
 */
const cubeSide = 33;

const cubeCodes = Array.from({ length: cubeSide }, (_, index) => index / (cubeSide - 1));

/** First line of a table in the Cube format (Adobe, version 1.0); lines of three numbers follow. */
const cubeHead = `LUT_3D_SIZE ${cubeSide}\n`;

/** The part of the table for one code of blue: green by green, and red by red within. */
function cubePlane(blue: number, transfer: HdrTransfer): string {
  const colors = cubeCodes.flatMap((green) =>
    cubeCodes.map((red) => toneMap([red, green, blue], transfer)),
  );
  return colors.map((color) => `${color.map((code) => code.toFixed(6)).join(' ')}\n`).join('');
}

/** Red, green, blue. */
type Rgb = readonly [number, number, number];

/** Luminance of white as paper and faces are lit, in cd/m² (ITU-R BT.2408): becomes the film's white. */
const whiteNits = 203;

/**
 * Maps one color: codes 0…1 in BT.2020 with a transfer in, codes 0…1 in BT.709 with the gamma of 2.4 that
 * screens have (ITU-R BT.1886) out.
 */
export function toneMap(codes: Rgb, transfer: HdrTransfer): Rgb {
  const nits = transfer === 'smpte2084' ? map(codes, pqNits) : hlgNits(codes);
  const linear = toBt709(map(nits, (value) => value / whiteNits));
  // By its strongest channel and all channels alike: the hue stays.
  const peak = Math.max(...linear);
  const gain = peak > 0 ? compress(peak) / peak : 0;
  return map(linear, (value) => Math.min(1, Math.max(0, value * gain)) ** (1 / 2.4));
}

function map([red, green, blue]: Rgb, change: (value: number) => number): Rgb {
  return [change(red), change(green), change(blue)];
}

/** The brightest that PQ can say, in cd/m². */
const pqNitsMax = 10_000;

/** PQ code to luminance in cd/m² (SMPTE ST 2084, the constants by their names there). */
function pqNits(code: number): number {
  const [m1, m2] = [2610 / 16_384, (2523 / 4096) * 128];
  const [c1, c2, c3] = [3424 / 4096, (2413 / 4096) * 32, (2392 / 4096) * 32];
  const power = code ** (1 / m2);
  return pqNitsMax * (Math.max(power - c1, 0) / (c2 - c3 * power)) ** (1 / m1);
}

/** The screen that HLG is made for: its white in cd/m², and its gamma at that (ITU-R BT.2100). */
const hlgScreen = { nits: 1000, gamma: 1.2 } as const;

/** HLG codes to luminance in cd/m²: back to the scene, then on to the screen by the brightness of all. */
function hlgNits(codes: Rgb): Rgb {
  const scene = map(codes, hlgScene);
  const [red, green, blue] = scene;
  const brightness = 0.2627 * red + 0.678 * green + 0.0593 * blue;
  const gain = hlgScreen.nits * brightness ** (hlgScreen.gamma - 1);
  return map(scene, (value) => value * gain);
}

/** HLG code to light of the scene, 0…1 (ITU-R BT.2100, table 5). */
function hlgScene(code: number): number {
  const [a, b, c] = [0.178_832_77, 0.284_668_92, 0.559_910_73];
  return code <= 0.5 ? code ** 2 / 3 : (Math.exp((code - c) / a) + b) / 12;
}

/** Linear light from the primaries of BT.2020 to those of BT.709 (ITU-R BT.2087, annex 2, inverted). */
function toBt709([red, green, blue]: Rgb): Rgb {
  return [
    1.6605 * red - 0.5876 * green - 0.0728 * blue,
    -0.1246 * red + 1.1329 * green - 0.0083 * blue,
    -0.0182 * red - 0.1006 * green + 1.1187 * blue,
  ];
}

/** Up to here, as a share of white, brightness stays what it was: faces are at about a fourth. */
const kneeShare = 0.3;

/** The brightest there is as a share of white; it becomes 1. */
const peakShare = pqNitsMax / whiteNits;

/**
 * Compresses brightness, 0 … {@link peakShare}, into 0 … 1: straight up to the knee, then a hyperbola that
 * goes on from there with the same slope and ends in the peak (the curve known as Möbius).
 */
function compress(share: number): number {
  if (share <= kneeShare) return share;
  const [knee, peak] = [kneeShare, peakShare];
  const a = (-(knee ** 2) * (peak - 1)) / (knee ** 2 - 2 * knee + peak);
  const b = (knee ** 2 - 2 * knee * peak + peak) / (peak - 1);
  return ((b ** 2 + 2 * b * knee + knee ** 2) / (b - a)) * ((share + a) / (share + b));
}

import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { readMp4Boxes } from '../ffmpeg/mp4-box-reader.ts';
import type { Mp4Box } from '../ffmpeg/mp4-box-reader.ts';

/** What a product says about itself, read from its header without decoding. */
export interface MediaFacts {
  readonly width?: number;
  readonly height?: number;
  readonly durationSec?: number;
}

/** Reads the facts of a file that this service made; nothing is known of other types than MP4 and JPEG. */
export async function readMediaFacts(path: string, mediaType: string): Promise<MediaFacts> {
  if (mediaType !== 'image/jpeg' && mediaType !== 'video/mp4' && mediaType !== 'audio/mp4') {
    return {};
  }
  const file = await open(path, 'r');
  try {
    return mediaType === 'image/jpeg' ? await readJpegFacts(file) : await readMp4Facts(file);
  } finally {
    await file.close();
  }
}

/** Size of the first video track, and the length of it, or of the first audio track without one. */
async function readMp4Facts(file: FileHandle): Promise<MediaFacts> {
  const whole = await readMp4Boxes(file, 0, (await file.stat()).size);
  const moov = whole.find(({ type }) => type === 'moov');
  if (moov === undefined) return {};
  const boxes = await readMp4Boxes(file, moov.start, moov.end);
  const timescale = await readTimescale(file, boxes);
  const tracks = boxes.filter(({ type }) => type === 'trak');
  const read = await Promise.all(tracks.map((track) => readTrack(file, track)));
  const video = read.find(({ handler }) => handler === 'vide');
  const shown = video ?? read.find(({ handler }) => handler === 'soun');
  return {
    ...(video === undefined ? {} : { width: video.width, height: video.height }),
    ...(shown === undefined ? {} : { durationSec: shown.duration / timescale }),
  };
}

interface Track {
  readonly handler: string;
  readonly width: number;
  readonly height: number;
  /** In units of the film's time scale. */
  readonly duration: number;
}

/** Ticks per second of the durations in `mvhd` and `tkhd` (ISO/IEC 14496-12, 8.2.2). */
async function readTimescale(file: FileHandle, boxes: readonly Mp4Box[]): Promise<number> {
  const mvhd = boxes.find(({ type }) => type === 'mvhd');
  if (mvhd === undefined) return 1;
  const view = await readAt(file, mvhd.start, 32);
  return view.getUint32(view.getUint8(0) === 1 ? 20 : 12);
}

/** Reads `tkhd` (8.3.2) and the handler type of `mdia/hdlr` (8.4.3). */
async function readTrack(file: FileHandle, track: Mp4Box): Promise<Track> {
  const boxes = await readMp4Boxes(file, track.start, track.end);
  const tkhd = boxes.find(({ type }) => type === 'tkhd');
  const mdia = boxes.find(({ type }) => type === 'mdia');
  if (tkhd === undefined || mdia === undefined) {
    return { handler: '', width: 0, height: 0, duration: 0 };
  }
  const inner = await readMp4Boxes(file, mdia.start, mdia.end);
  const hdlr = inner.find(({ type }) => type === 'hdlr');
  const view = await readAt(file, tkhd.start, 96);
  const isLong = view.getUint8(0) === 1;
  const sizeAt = isLong ? 88 : 76;
  return {
    handler: hdlr === undefined ? '' : fourCharacters(await readAt(file, hdlr.start, 16), 8),
    // 16.16 fixed point.
    width: view.getUint32(sizeAt) / 65_536,
    height: view.getUint32(sizeAt + 4) / 65_536,
    duration: isLong ? Number(view.getBigUint64(28)) : view.getUint32(20),
  };
}

/** Bytes of a JPEG file that are searched for its size; what comes before it is a few hundred. */
const jpegHeaderBytesMax = 64 * 1024;

/** Reads the size from the start-of-frame marker (ITU-T T.81, B.2.2). */
async function readJpegFacts(file: FileHandle): Promise<MediaFacts> {
  const { size } = await file.stat();
  const view = await readAt(file, 0, Math.min(size, jpegHeaderBytesMax));
  let at = 2;
  while (at + 9 <= view.byteLength && view.getUint8(at) === 0xff) {
    const marker = view.getUint8(at + 1);
    const isFrame =
      marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
    if (isFrame) return { height: view.getUint16(at + 5), width: view.getUint16(at + 7) };
    at += 2 + view.getUint16(at + 2);
  }
  return {};
}

/** The bytes at a place; zeros behind the end of the file. */
async function readAt(file: FileHandle, at: number, length: number): Promise<DataView> {
  const bytes = new Uint8Array(length);
  await file.read(bytes, 0, length, at);
  return new DataView(bytes.buffer);
}

function fourCharacters(view: DataView, at: number): string {
  return String.fromCharCode(...new Uint8Array(view.buffer, at, 4));
}

import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { path as ffmpegPath } from '@ffmpeg-installer/ffmpeg';
import { path as ffprobePath } from '@ffprobe-installer/ffprobe';

const run = promisify(execFile);

/** A product, as far as its file has to agree with its record. */
export interface RecordedProduct {
  readonly mediaType: string;
  readonly bytes: number;
  readonly sha256: string;
}

/** How thoroughly media is decoded: its headers, or every frame of it. */
export type DecodeDepth = 'probe' | 'full';

/**
 * Compares files with what is recorded of them. The same content is decoded once, however often it
 * comes.
 */
export class ProductCheck {
  readonly #depth: DecodeDepth;
  /** Digest → what is wrong with such a content. */
  readonly #known = new Map<string, Promise<string | undefined>>();

  constructor(depth: DecodeDepth) {
    this.#depth = depth;
  }

  /** What is wrong with the file at a path; undefined when it is what is recorded, and plays. */
  async problemOf(path: string, product: RecordedProduct): Promise<string | undefined> {
    let content: Buffer;
    try {
      content = await readFile(path);
    } catch {
      return 'is not there';
    }
    const mismatch = mismatchOf(content, product);
    if (mismatch !== undefined) return mismatch;
    const known = this.#known.get(product.sha256) ?? this.#decode(path, content, product);
    this.#known.set(product.sha256, known);
    return known;
  }

  async #decode(
    path: string,
    content: Buffer,
    { mediaType }: RecordedProduct,
  ): Promise<string | undefined> {
    if (mediaType === 'application/json') return problemOfJson(content);
    if (mediaType === 'text/vtt') {
      return content.toString().startsWith('WEBVTT') ? undefined : 'is no WebVTT';
    }
    if (!/^(video|audio|image)\//.test(mediaType)) return undefined;
    return problemOfMedia(path, this.#depth);
  }
}

/** What differs between bytes and their record. */
export function mismatchOf(content: Buffer, product: RecordedProduct): string | undefined {
  if (content.length !== product.bytes) {
    return `has ${content.length} bytes in place of ${product.bytes}`;
  }
  const sha256 = createHash('sha256').update(content).digest('hex');
  return sha256 === product.sha256 ? undefined : 'has another SHA-256 than recorded';
}

function problemOfJson(content: Buffer): string | undefined {
  try {
    JSON.parse(content.toString());
    return undefined;
  } catch {
    return 'is no JSON';
  }
}

async function problemOfMedia(path: string, depth: DecodeDepth): Promise<string | undefined> {
  try {
    await run(ffprobePath, ['-v', 'error', '-show_entries', 'stream=codec_type', path]);
    if (depth === 'probe') return undefined;
    const { stderr } = await run(ffmpegPath, ['-v', 'error', '-i', path, '-f', 'null', '-']);
    return stderr === '' ? undefined : `does not decode: ${stderr.trim()}`;
  } catch (thrown) {
    return `does not decode: ${String(thrown)}`;
  }
}

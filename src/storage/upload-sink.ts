import { createHash, type Hash } from 'node:crypto';
import { Writable } from 'node:stream';
import { failure, type Failure } from '../base/failure.ts';
import { formatBytes, mebibyte } from '../base/units.ts';
import { findTextFormat, sniffBytes } from './text-format.ts';

/** Carries a failure through the stream machinery, which knows only errors. */
export class IntakeError extends Error {
  readonly failure: Failure;

  constructor(cause: Failure) {
    super(cause.message);
    this.failure = cause;
  }
}

/** Where the bytes of an upload go. */
export interface UploadFile {
  append(chunk: Buffer): Promise<void>;
  /** Throws when the file must not grow beyond so many bytes. */
  checkRoom(bytes: number): Promise<void>;
}

/**
 * Counts, hashes and looks at the first bytes of an upload; hands them to a file, if there is one. It fails
 * with an {@link IntakeError}, or with what the file threw. At most {@link sinkBytesMax} bytes wait in it.
 */
export class UploadSink extends Writable {
  readonly #file: UploadFile | undefined;
  readonly #bytesMax: number;
  readonly #hash: Hash = createHash('sha256');
  #head = Buffer.alloc(0);
  #isSniffed = false;
  #bytes = 0;
  /** How many bytes had come when room was last looked for. */
  #bytesChecked = 0;

  /** `bytesMax` is the largest size that is accepted. */
  constructor(bytesMax: number, file?: UploadFile) {
    super({ highWaterMark: sinkBytesMax });
    this.#file = file;
    this.#bytesMax = bytesMax;
  }

  /** Bytes received so far. */
  get bytes(): number {
    return this.#bytes;
  }

  /** SHA-256 of everything received, lowercase hex; once, at the end. */
  digest(): string {
    return this.#hash.digest('hex');
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error) => void): void {
    void this.#appendThen(chunk, done);
  }

  override _final(done: (error?: Error) => void): void {
    const cause = this.#bytes === 0 ? emptyUpload() : this.#sniff();
    done(cause === undefined ? undefined : new IntakeError(cause));
  }

  /** The one place where a promise becomes a stream's callback. */
  async #appendThen(chunk: Buffer, done: (error?: Error) => void): Promise<void> {
    try {
      await this.#append(chunk);
    } catch (thrown) {
      done(thrown instanceof Error ? thrown : new Error(String(thrown)));
      return;
    }
    done();
  }

  async #append(chunk: Buffer): Promise<void> {
    this.#bytes += chunk.length;
    if (this.#bytes > this.#bytesMax) throw new IntakeError(tooLarge(this.#bytesMax));
    await this.#requireRoom();
    this.#keepHead(chunk);
    this.#hash.update(chunk);
    await this.#file?.append(chunk);
  }

  /** Others write to the disk as well, and no announced size says what comes. */
  async #requireRoom(): Promise<void> {
    if (this.#bytes - this.#bytesChecked < spaceCheckBytes) return;
    this.#bytesChecked = this.#bytes;
    await this.#file?.checkRoom(this.#bytes);
  }

  #keepHead(chunk: Buffer): void {
    if (this.#isSniffed) return;
    this.#head = Buffer.concat([this.#head, chunk.subarray(0, sniffBytes - this.#head.length)]);
    if (this.#head.length < sniffBytes) return;
    const cause = this.#sniff();
    if (cause !== undefined) throw new IntakeError(cause);
  }

  #sniff(): Failure | undefined {
    if (this.#isSniffed) return undefined;
    this.#isSniffed = true;
    const format = findTextFormat(this.#head);
    return format === undefined ? undefined : textUpload(format);
  }
}

/** Bytes between socket and disk: enough to keep both busy, nothing next to a film. */
const sinkBytesMax = mebibyte;

/** Bytes between two looks at the room that is left; each is one call of the system. */
const spaceCheckBytes = 16 * mebibyte;

function emptyUpload(): Failure {
  return failure('empty', 'The upload is empty: no byte of a file arrived.');
}

function tooLarge(bytesMax: number): Failure {
  return failure('limit_size', `The file is larger than ${formatBytes(bytesMax)}, the limit here.`);
}

function textUpload(format: string): Failure {
  return failure(
    'unsupported_format',
    `This is ${format}, not a film. Send the film itself; lists and links are not followed.`,
  );
}

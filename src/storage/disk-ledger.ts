import { failure, failureFromThrown, type Failure } from '../base/failure.ts';
import { err, ok, type Result } from '../base/result.ts';
import { formatBytes } from '../base/units.ts';
import { readDiskSpace, reserveBytes, type DiskSpace } from './disk-space.ts';

/** What a ledger works with. */
export interface DiskLedgerParts {
  /** Absolute path of the data directory. */
  readonly directory: string;
  /** How much room is there; asks the file system unless it is said. */
  readonly readSpace?: (directory: string) => Promise<DiskSpace>;
  /** Gives room back that nobody needs at once (kept results), until so many bytes may be written. */
  readonly makeRoom?: (bytes: number) => Promise<unknown>;
}

/**
 * How much a job writes in all, its upload included, as a multiple of the upload: the film, renditions of
 * about its size in the worst case, and each of them once more while it is merged or published elsewhere.
 * An estimate: what a film becomes is known only once it was probed, and attempts that find the disk full
 * all the same fail as `storage` and are tried again.
 */
export const jobBytesPerUploadByte = 3;

/** What a job is still going to write, as far as it is known. */
interface Entry {
  /** Announced, or come in so far if that is more. */
  readonly uploadBytes: number;
  /** What of the job is on disk already, so that the file system counts it. */
  readonly writtenBytes: number;
}

/**
 * Keeps account of the room that accepted and arriving jobs are still going to fill, so that twenty uploads
 * at once are not all promised the same room. It lives in memory and is filled anew at each start.
 *
 * ```
 * admitted (announced) ─▶ received (grows) ─▶ kept (whole, accepted) ─▶ released (job ended)
 *        └──────────────────────┴─▶ released (refused, broken off)
 * admitted again (retry) ─▶ kept ─▶ released (job ended)
 *        └─▶ released (refused)
 * ```
 */
export class DiskLedger {
  readonly #parts: DiskLedgerParts;
  /** By job id. */
  readonly #entries = new Map<string, Entry>();

  constructor(parts: DiskLedgerParts) {
    this.#parts = parts;
  }

  /** Bytes that all jobs are still going to write. */
  get outstandingBytes(): number {
    let bytes = 0;
    for (const entry of this.#entries.values()) bytes += outstanding(entry);
    return bytes;
  }

  /**
   * Sets room aside for an upload of so many bytes and all that its job will write; 0 when its size is not
   * announced. Failure: `storage`, saying what is needed and what is free.
   */
  async admit(jobId: string, uploadBytes: number): Promise<Result<void, Failure>> {
    const entry = { uploadBytes, writtenBytes: 0 };
    return this.#reserve(jobId, entry);
  }

  /**
   * Sets room aside for all that a job will write that is to go on after its end; its upload of so many
   * bytes is on disk. Failure: `storage`, likewise.
   */
  async admitAgain(jobId: string, uploadBytes: number): Promise<Result<void, Failure>> {
    return this.#reserve(jobId, { uploadBytes, writtenBytes: uploadBytes }, 'retry');
  }

  /**
   * So many bytes of the upload have come. Failure: `storage` when the disk is nearly full, or has no room
   * for the job of an upload that has grown beyond what was announced.
   */
  async received(jobId: string, bytes: number): Promise<Result<void, Failure>> {
    const { uploadBytes = 0 } = this.#entries.get(jobId) ?? {};
    const entry = { uploadBytes: Math.max(uploadBytes, bytes), writtenBytes: bytes };
    if (bytes > uploadBytes) return this.#reserve(jobId, entry);
    this.#entries.set(jobId, entry);
    const space = await this.#readSpace();
    if (!space.ok) return space;
    const spareBytes = space.value.freeBytes - reserveBytes(space.value);
    return spareBytes >= 0 ? ok(undefined) : err(diskFull(0, spareBytes));
  }

  /** A job is going to be worked on; its upload of so many bytes is on disk. */
  keep(jobId: string, uploadBytes: number): void {
    this.#entries.set(jobId, { uploadBytes, writtenBytes: uploadBytes });
  }

  /** Nothing more is written for the job. Idempotent. */
  release(jobId: string): void {
    this.#entries.delete(jobId);
  }

  async #reserve(
    jobId: string,
    entry: Entry,
    purpose: Purpose = 'upload',
  ): Promise<Result<void, Failure>> {
    const neededBytes = outstanding(entry);
    const { makeRoom } = this.#parts;
    for (const isLastLook of [makeRoom === undefined, true]) {
      const space = await this.#readSpace();
      if (!space.ok) return space;
      // From here to the entry nothing is waited for: nobody else is promised this room.
      const spareBytes = this.#spareBytes(space.value, jobId);
      if (spareBytes >= neededBytes) {
        this.#entries.set(jobId, entry);
        return ok(undefined);
      }
      if (isLastLook) return err(diskFull(neededBytes, spareBytes, purpose));
      const made = await this.#makeRoom(neededBytes + this.#othersBytes(jobId));
      if (!made.ok) return made;
    }
    return ok(undefined);
  }

  async #makeRoom(bytes: number): Promise<Result<void, Failure>> {
    try {
      await this.#parts.makeRoom?.(bytes);
      return ok(undefined);
    } catch (thrown) {
      return err(
        failureFromThrown(thrown, 'storage', 'The disk of the service cannot be cleared.'),
      );
    }
  }

  /** What is free beyond the reserve and the needs of all other jobs; negative when they lack room. */
  #spareBytes(space: DiskSpace, jobId: string): number {
    return space.freeBytes - reserveBytes(space) - this.#othersBytes(jobId);
  }

  #othersBytes(jobId: string): number {
    const own = this.#entries.get(jobId);
    return this.outstandingBytes - (own === undefined ? 0 : outstanding(own));
  }

  async #readSpace(): Promise<Result<DiskSpace, Failure>> {
    const { directory, readSpace = readDiskSpace } = this.#parts;
    try {
      return ok(await readSpace(directory));
    } catch (thrown) {
      return err(failureFromThrown(thrown, 'storage', 'The disk of the service cannot be read.'));
    }
  }
}

function outstanding({ uploadBytes, writtenBytes }: Entry): number {
  return Math.max(0, uploadBytes * jobBytesPerUploadByte - writtenBytes);
}

/** What room is asked for. */
type Purpose = 'upload' | 'retry';

function diskFull(neededBytes: number, spareBytes: number, purpose: Purpose = 'upload'): Failure {
  const free = formatBytes(Math.max(0, spareBytes));
  const need = neededBytes === 0 ? '' : `: its job needs about ${formatBytes(neededBytes)}`;
  return failure(
    'storage',
    `There is not enough disk space for this ${purpose}${need}; ${free} are free for new ones. Try again later.`,
  );
}

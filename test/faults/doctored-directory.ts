import { createHash } from 'node:crypto';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { check } from './checker.ts';
import type { CheckParts, CheckReport } from './checker.ts';
import type { ReadRecord, RequestRecord, UploadRecord } from './history.ts';
import { ProductCheck } from './product-check.ts';

/** A job id that ends with a digit of one's choice. */
export function idOf(digit: number): string {
  return `AAAAAAAAAAAAAAAAAAAAA${digit}`;
}

/** The job of a sound directory that succeeded, the one that failed and the one that was cancelled. */
export const [succeededId, failedId, cancelledId] = [idOf(1), idOf(2), idOf(3)];

/** The key of the kept result of a sound directory that has a file, `captions.vtt`. */
export const keptKey = 'a'.repeat(64);

const film = Buffer.from('a film');
const captions = Buffer.from('WEBVTT\n');
const manifest = Buffer.from('{}\n');

function sha256(content: Buffer): string {
  return createHash('sha256').update(content).digest('hex');
}

/** What {@link DoctoredDirectory.insertJob} writes of a job. */
interface JobRow {
  readonly id: string;
  readonly name: string;
  readonly phase: string;
  readonly failure?: { readonly code: string };
}

/**
 * A data directory written by hand, as a service would leave it behind after three jobs, together with
 * what its clients saw. Tests break one thing of it at a time.
 */
export class DoctoredDirectory {
  readonly path: string;
  readonly uploads: UploadRecord[] = [];
  readonly cancels: RequestRecord[] = [];
  readonly deletes: RequestRecord[] = [];
  readonly retries: RequestRecord[] = [];
  readonly reads: ReadRecord[] = [];

  private constructor(path: string) {
    this.path = path;
  }

  /** Writes a sound one into an empty directory. */
  static async create(path: string): Promise<DoctoredDirectory> {
    const doctored = new DoctoredDirectory(path);
    doctored.sql(
      'create table jobs (id text primary key, phase text, failure text, upload text, created_at_ms bigint, source_removed_at_ms bigint, deleted_at_ms bigint)',
      'create table results (key text primary key, result text, bytes bigint)',
      'create table nodes (job_id text references jobs (id), ordinal bigint, id text, phase text, attempt bigint, artifacts text)',
      'create table notices (job_id text references jobs (id), sequence bigint, notice text)',
    );
    await doctored.#addSucceeded();
    await doctored.#addFailed();
    await doctored.#addKept();
    doctored.insertJob({ id: cancelledId, name: 'c', phase: 'cancelled' });
    doctored.accept('c', cancelledId);
    doctored.cancels.push({ jobId: cancelledId, status: 200 });
    return doctored;
  }

  /** What the checker says of it. */
  check(parts: Partial<CheckParts> = {}): Promise<CheckReport> {
    const products = new ProductCheck('full');
    const cacheBytesMax = 1000;
    return check({ history: this, dataDir: this.path, products, cacheBytesMax, ...parts });
  }

  /** Runs statements on the database. */
  sql(...statements: readonly string[]): void {
    // Foreign keys are not enforced, so that a test can break them.
    const options = { enableForeignKeyConstraints: false };
    using database = new DatabaseSync(join(this.path, 'reelgraph.sqlite'), options);
    // Nothing here has to outlive a power cut.
    database.exec('pragma synchronous = off');
    for (const statement of statements) database.exec(statement);
  }

  /** Writes a file, relative to the directory, and the directories above it. */
  async write(path: string, content: Buffer | string): Promise<void> {
    await mkdir(dirname(join(this.path, path)), { recursive: true });
    await writeFile(join(this.path, path), content);
  }

  /** Removes a file, relative to the directory. */
  remove(path: string): Promise<void> {
    return rm(join(this.path, path));
  }

  /** Has a client be told that its upload is this job. */
  accept(name: string, jobId: string): void {
    this.sent(name, { type: 'accepted', jobId });
  }

  /** Has a client send an upload that ends like this. */
  sent(
    name: string,
    outcome: UploadRecord['outcome'],
    options: Pick<UploadRecord, 'key' | 'failsWith'> = {},
  ): void {
    const bytes = film.length;
    this.uploads.push({ name, bytes, sha256: sha256(film), outcome, ...options });
  }

  /** Writes a job that has ended, without nodes. */
  insertJob({ id, name, phase, failure }: JobRow): void {
    const upload = { name, bytes: film.length, sha256: sha256(film), path: `incoming/${id}/in` };
    const failureSql = failure === undefined ? 'null' : `'${JSON.stringify(failure)}'`;
    this.sql(
      `insert into jobs values ('${id}', '${phase}', ${failureSql}, '${JSON.stringify(upload)}', 0, 1, null)`,
    );
    this.notice(id, { type: 'job', phase });
  }

  /** Writes a notice behind all others of the job. */
  notice(jobId: string, notice: Readonly<Record<string, unknown>>): void {
    this.sql(
      `insert into notices select '${jobId}', count(*) + 1, '${JSON.stringify({ atMs: 0, ...notice })}'
         from notices where job_id = '${jobId}'`,
    );
  }

  /** Replaces the last notices of a job, its end, by these and its end. */
  noticeBeforeEnd(jobId: string, notices: readonly Readonly<Record<string, unknown>>[]): void {
    this.sql(`delete from notices where job_id = '${jobId}'`);
    for (const notice of notices) this.notice(jobId, notice);
    this.notice(jobId, { type: 'job', phase: 'succeeded' });
  }

  /** Writes a product of the succeeded job, recorded as it is or as something else. */
  async addProduct(name: string, mediaType: string, content: Buffer): Promise<void> {
    const path = `jobs/${succeededId}/publish/1/${name}`;
    const artifact = { name, mediaType, bytes: content.length, sha256: sha256(content) };
    const recorded = JSON.stringify({ ...artifact, product: true, path });
    this.sql(
      `update nodes set artifacts = json_insert(artifacts, '$[#]', json('${recorded}'))
         where job_id = '${succeededId}' and id = 'publish'`,
    );
    await this.write(path, content);
    await this.write(`storage/${succeededId}/${name}`, content);
  }

  async #addSucceeded(): Promise<void> {
    this.insertJob({ id: succeededId, name: 'a', phase: 'succeeded' });
    this.sql(`insert into nodes values ('${succeededId}', 0, 'publish', 'succeeded', 1, '[]')`);
    this.accept('a', succeededId);
    this.reads.push({ jobId: succeededId, state: 'succeeded', retriesBefore: 0 });
    await this.addProduct('captions.vtt', 'text/vtt', captions);
    await this.addProduct('manifest.json', 'application/json', manifest);
    this.noticeBeforeEnd(succeededId, [
      { type: 'node', nodeId: 'publish', phase: 'running', attempt: 1 },
      { type: 'node', nodeId: 'publish', phase: 'succeeded', attempt: 1 },
    ]);
  }

  async #addFailed(): Promise<void> {
    this.insertJob({ id: failedId, name: 'b', phase: 'failed', failure: { code: 'corrupt' } });
    this.sent('b', { type: 'accepted', jobId: failedId }, { failsWith: 'corrupt' });
  }

  /** A result of a file, and one of the upload, which has none. */
  async #addKept(): Promise<void> {
    const files = [{ name: 'captions.vtt', bytes: captions.length, sha256: sha256(captions) }];
    const upload = [{ name: 'in', bytes: film.length, sha256: sha256(film), isUpload: true }];
    this.sql(
      `insert into results values ('${keptKey}', '${JSON.stringify({ files })}', 600)`,
      `insert into results values ('${'b'.repeat(64)}', '${JSON.stringify({ files: upload })}', 300)`,
    );
    await this.write(`cache/${keptKey}/captions.vtt`, captions);
  }
}

import { DatabaseSync } from 'node:sqlite';
import { z } from 'zod';

const artifactSchema = z.object({
  name: z.string(),
  mediaType: z.string(),
  bytes: z.number(),
  sha256: z.string(),
  product: z.boolean(),
  path: z.string(),
});

const failureSchema = z.object({ code: z.string() });

const jobRow = z.object({
  id: z.string(),
  phase: z.string(),
  failure: z.string().nullable(),
  upload: z.string(),
  source_removed_at_ms: z.number().nullable(),
  deleted_at_ms: z.number().nullable(),
});

const nodeRow = z.object({
  job_id: z.string(),
  id: z.string(),
  phase: z.string(),
  attempt: z.number(),
  artifacts: z.string(),
});

const noticeRow = z.object({ job_id: z.string(), notice: z.string() });

const noticeSchema = z.object({
  type: z.string(),
  atMs: z.number(),
  nodeId: z.string().optional(),
  phase: z.string().optional(),
  attempt: z.number().optional(),
});

const resultRow = z.object({ key: z.string(), result: z.string(), bytes: z.number() });

const resultSchema = z.object({
  files: z.array(
    z.object({
      name: z.string(),
      bytes: z.number(),
      sha256: z.string(),
      isUpload: z.boolean().optional(),
    }),
  ),
});

const uploadSchema = z.object({ name: z.string(), bytes: z.number(), sha256: z.string() });

/** A file that a node made, as it is recorded. */
export type StoredArtifact = z.infer<typeof artifactSchema>;

/** A node as it is recorded. */
export interface StoredNode {
  readonly id: string;
  readonly phase: string;
  readonly attempt: number;
  readonly artifacts: readonly StoredArtifact[];
}

/** A job as it is recorded, read without the product's own code. */
export interface StoredJobRow {
  readonly id: string;
  readonly phase: string;
  readonly failureCode: string | undefined;
  readonly upload: z.infer<typeof uploadSchema>;
  /** Whether its upload is still kept. */
  readonly hasSource: boolean;
  /** Whether it is on its way out: nobody is told of it any more. */
  readonly isDeleted: boolean;
  readonly nodes: readonly StoredNode[];
  /** What happened to it, in order. */
  readonly notices: readonly z.infer<typeof noticeSchema>[];
}

/** A result that other jobs may use again, as it is recorded. */
export interface StoredResultRow {
  readonly key: string;
  /** Room that it takes. */
  readonly bytes: number;
  readonly files: z.infer<typeof resultSchema>['files'];
}

/** What a database holds. */
export interface StoredState {
  readonly jobs: readonly StoredJobRow[];
  readonly results: readonly StoredResultRow[];
  /** What `pragma integrity_check` and `pragma foreign_key_check` find; empty when all is well. */
  readonly damage: readonly string[];
}

/** Reads the database file of a data directory; the service may run meanwhile. */
export function readStoredJobs(path: string): StoredState {
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    // One transaction, so that all tables are of one moment.
    database.exec('begin');
    const rows = (sql: string): readonly unknown[] => database.prepare(sql).all();
    const jobs = rows(
      'select id, phase, failure, upload, source_removed_at_ms, deleted_at_ms from jobs ' +
        'order by created_at_ms, id',
    );
    const results = rows('select key, result, bytes from results').map((row) =>
      resultRow.parse(row),
    );
    const nodes = rows(
      'select job_id, id, phase, attempt, artifacts from nodes order by job_id, ordinal',
    ).map((row) => nodeRow.parse(row));
    const notices = rows('select job_id, notice from notices order by job_id, sequence').map(
      (row) => noticeRow.parse(row),
    );
    return {
      jobs: jobs.map((row) => toJob(jobRow.parse(row), nodes, notices)),
      results: results.map(({ key, bytes, result }) => ({
        ...{ key, bytes },
        files: resultSchema.parse(JSON.parse(result)).files,
      })),
      damage: damageOf(database),
    };
  } finally {
    database.close();
  }
}

function toJob(
  { id, phase, failure, upload, ...times }: z.infer<typeof jobRow>,
  nodes: readonly z.infer<typeof nodeRow>[],
  notices: readonly z.infer<typeof noticeRow>[],
): StoredJobRow {
  return {
    id,
    phase,
    failureCode: failure === null ? undefined : failureSchema.parse(JSON.parse(failure)).code,
    upload: uploadSchema.parse(JSON.parse(upload)),
    hasSource: times.source_removed_at_ms === null,
    isDeleted: times.deleted_at_ms !== null,
    nodes: nodes
      .filter((node) => node.job_id === id)
      .map((node) => ({
        id: node.id,
        phase: node.phase,
        attempt: node.attempt,
        artifacts: z.array(artifactSchema).parse(JSON.parse(node.artifacts)),
      })),
    notices: notices
      .filter((row) => row.job_id === id)
      .map(({ notice }) => noticeSchema.parse(JSON.parse(notice))),
  };
}

function damageOf(database: DatabaseSync): readonly string[] {
  const integrity = database
    .prepare('pragma integrity_check')
    .all()
    .map((row) => String(row['integrity_check']))
    .filter((text) => text !== 'ok');
  const orphans = database
    .prepare('pragma foreign_key_check')
    .all()
    .map((row) => `a row of ${String(row['table'])} has no ${String(row['parent'])}`);
  return [...integrity, ...orphans];
}

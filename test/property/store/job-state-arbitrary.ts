/* oxlint-disable typescript/no-unsafe-type-assertion --
 * The generators make JSON of the right outline; what the store does not look at is any JSON. */
import * as fc from 'fast-check';
import type { Failure } from '../../../src/base/failure.ts';
import type { JsonObject } from '../../../src/base/json.ts';
import type { Artifact } from '../../../src/graph/artifact.ts';
import type { MediaProbe } from '../../../src/graph/media-probe.ts';
import type { Plan, PlannedNode } from '../../../src/pipeline/plan.ts';
import type { Estimate } from '../../../src/resources/demand.ts';
import type {
  JobFailure,
  JobState,
  JobWarning,
  NodeRecord,
} from '../../../src/scheduler/job-state.ts';
import type { Upload } from '../../../src/store/store.ts';

/** Any text at all: control characters, NUL, emoji, lone surrogates. */
const text = fc.string({ unit: 'binary', maxLength: 12 });

const nodeId = fc.stringMatching(/^[a-z][a-z0-9-]{0,62}$/);
const count = fc.nat();
const timeMs = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
const measure = fc.double({ min: 0, noNaN: true, noDefaultInfinity: true });

/** A record of which the named properties are sometimes left out. */
function recordOf<Item>(
  parts: { readonly [Key in keyof Required<Item>]: fc.Arbitrary<Required<Item>[Key]> },
  optional: readonly string[] = [],
): fc.Arbitrary<Item> {
  const requiredKeys = Object.keys(parts).filter((key) => !optional.includes(key));
  const anyParts: Record<string, fc.Arbitrary<unknown>> = parts;
  // The types of the library cannot say which keys of a generic type may be left out.
  return fc
    .record(anyParts, { requiredKeys, noNullPrototype: true })
    .map((item) => item as unknown as Item);
}

const json: fc.Arbitrary<JsonObject> = fc
  .dictionary(text, fc.jsonValue({ maxDepth: 2, noUnicodeString: false }), {
    maxKeys: 3,
    noNullPrototype: true,
  })
  // By its definition, what JSON writes differently (a negative zero) is no Json.
  .map((value) => JSON.parse(JSON.stringify(value)) as JsonObject);

const estimate = recordOf<Estimate>({
  demand: recordOf<Estimate['demand']>({
    coresMin: count,
    coresMax: count,
    memoryBytes: count,
    ioSlots: count,
    gpus: count,
  }),
  coreSeconds: measure,
});

const failureParts = {
  code: fc.constantFrom('corrupt', 'tool', 'storage', 'internal'),
  message: text,
  operatorDetail: text,
} as const;

const failure = recordOf<Failure>(failureParts, ['operatorDetail']);
const jobFailure = recordOf<JobFailure>({ ...failureParts, nodeId }, ['operatorDetail']);
const warning = recordOf<JobWarning>({ code: text, message: text, nodeId });

const artifact = recordOf<Artifact>({
  name: text,
  role: fc.constantFrom('source', 'audio', 'video', 'captions'),
  mediaType: text,
  bytes: timeMs,
  sha256: text,
  product: fc.boolean(),
  path: text,
});

/** The store keeps these two as JSON and looks at nothing inside, so any JSON stands for them. */
const media = json.map((value) => value as unknown as MediaProbe);
const plan = recordOf<Plan>({
  pipeline: text,
  nodes: fc.uniqueArray(
    fc
      .record({ id: nodeId, params: json, when: json }, { noNullPrototype: true })
      .map((node) => node as unknown as PlannedNode),
    { maxLength: 4, selector: (node) => node.id },
  ),
});

function nodeRecord(id: string): fc.Arbitrary<NodeRecord> {
  return recordOf<NodeRecord>(
    {
      id: fc.constant(id),
      phase: fc.constantFrom('waiting', 'ready', 'running', 'delayed', 'succeeded', 'skipped'),
      attempt: count,
      excusedCount: count,
      lostCount: count,
      estimate,
      queuedAtMs: timeMs,
      startedAtMs: timeMs,
      endedAtMs: timeMs,
      dueAtMs: timeMs,
      cores: count,
      failure,
      skipReason: text,
      artifacts: fc.array(artifact, { maxLength: 2 }),
      isReused: fc.constant(true as const),
    },
    [
      'excusedCount',
      'lostCount',
      'queuedAtMs',
      'startedAtMs',
      'endedAtMs',
      'dueAtMs',
      'cores',
      'failure',
      'skipReason',
      'isReused',
    ],
  );
}

function jobState(planned: Plan): fc.Arbitrary<JobState> {
  return recordOf<JobState>(
    {
      id: fc.constant('job'),
      plan: fc.constant(planned),
      params: fc.constant({ language: 'en' }),
      tenant: fc.constantFrom('default', 'acme'),
      usesCache: fc.boolean(),
      phase: fc.constantFrom('queued', 'running', 'succeeded', 'failed', 'cancelled'),
      priority: fc.integer({ min: -100, max: 100 }),
      createdAtMs: timeMs,
      startedAtMs: timeMs,
      endedAtMs: timeMs,
      media,
      failure: jobFailure,
      warnings: fc.array(warning, { maxLength: 2 }),
      nodes: fc.tuple(...planned.nodes.map((node) => nodeRecord(node.id))),
      isCancelling: fc.boolean(),
    },
    ['startedAtMs', 'endedAtMs', 'media', 'failure'],
  );
}

/** What a client sent. */
export const uploads = recordOf<Upload>({ name: text, bytes: timeMs, sha256: text, path: text });

/** Two states of a job called `job`, with the same plan or another one, and otherwise unrelated. */
export const jobChanges = fc.oneof(
  plan.chain((planned) => fc.tuple(jobState(planned), jobState(planned))),
  fc.tuple(plan.chain(jobState), plan.chain(jobState)),
);

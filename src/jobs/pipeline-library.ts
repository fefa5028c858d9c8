import { open, readdir } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import { errorCodeOf } from '../base/error-code.ts';
import { failure, failureFromThrown } from '../base/failure.ts';
import type { Failure } from '../base/failure.ts';
import { nearestName } from '../base/nearest-name.ts';
import { err, ok } from '../base/result.ts';
import type { Result } from '../base/result.ts';
import type { KindCatalog } from '../pipeline/kind-spec.ts';
import { parsePipeline } from '../pipeline/parse-pipeline.ts';
import type { Pipeline } from '../pipeline/pipeline.ts';
import type { PipelineProblem } from '../pipeline/problem.ts';
import { offsetAt, readSource, sourceBytesMax } from '../pipeline/source.ts';

/** The pipelines of a directory, as they were when the service started. */
export interface PipelineLibrary {
  /** The good ones by name, in the order of their file names. */
  readonly pipelines: ReadonlyMap<string, Pipeline>;
  /** All that is wrong with the others. */
  readonly problems: readonly PipelineProblem[];
  /** `not_found` says which ones there are, or that the one asked for has problems. */
  find(name: string): Result<Pipeline, Failure>;
}

/** Most definitions in a directory; more are a wrong directory. */
export const pipelineFilesMax = 1000;

/** The published schema lies beside the definitions and is none. */
const schemaFileName = 'pipeline.schema.json';

/**
 * Reads every `*.yaml`, `*.yml` and `*.json` of a directory. A definition with problems is left out
 * and its problems are listed; a directory that cannot be read is a failure (`not_found`, `storage`).
 */
export async function loadPipelineLibrary(
  directory: string,
  kinds: KindCatalog,
): Promise<Result<PipelineLibrary, Failure>> {
  const names = await listDefinitions(directory);
  if (!names.ok) return names;
  const pipelines = new Map<string, Pipeline>();
  const problems: PipelineProblem[] = [];
  const broken = new Set<string>();
  for (const fileName of names.value) {
    const file = join(directory, fileName);
    const name = basename(fileName, extname(fileName));
    const loaded = await loadDefinition(file, name, kinds);
    if (!loaded.ok) {
      problems.push(...loaded.error);
      broken.add(name);
    } else if (pipelines.has(name)) {
      problems.push(
        startOf(file, `There is another pipeline \`${name}\``, 'Keep one of the files.'),
      );
    } else pipelines.set(name, loaded.value);
  }
  return ok({
    pipelines,
    problems,
    find: (name) => find(name, pipelines, broken),
  });
}

async function listDefinitions(directory: string): Promise<Result<readonly string[], Failure>> {
  try {
    const entries = await readdir(directory, { withFileTypes: true });
    const names = entries
      .filter(
        (entry) =>
          (entry.isFile() || entry.isSymbolicLink()) && /\.(yaml|yml|json)$/.test(entry.name),
      )
      .map((entry) => entry.name)
      .filter((name) => name !== schemaFileName)
      .toSorted();
    if (names.length <= pipelineFilesMax) return ok(names);
    const message = `The pipelines directory "${directory}" has more than ${pipelineFilesMax} files.`;
    return err(failure('storage', message));
  } catch (thrown) {
    if (errorCodeOf(thrown) === 'ENOENT' || errorCodeOf(thrown) === 'ENOTDIR') {
      const message = `There is no pipelines directory "${directory}". Set REELGRAPH_PIPELINES or --pipelines.`;
      return err(failureFromThrown(thrown, 'not_found', message));
    }
    const message = `The pipelines directory "${directory}" cannot be read.`;
    return err(failureFromThrown(thrown, 'storage', message));
  }
}

async function loadDefinition(
  file: string,
  name: string,
  kinds: KindCatalog,
): Promise<Result<Pipeline, readonly PipelineProblem[]>> {
  const text = await readDefinition(file);
  if (!text.ok) return err([text.error]);
  const pipeline = parsePipeline(text.value, file, kinds);
  if (!pipeline.ok || pipeline.value.name === name) return pipeline;
  const source = readSource(text.value);
  const place = source.position(source.root === undefined ? 0 : offsetAt(source.root, ['name']));
  const message = `The name \`${pipeline.value.name}\` is not that of the file, \`${name}\``;
  return err([{ file, ...place, message, hint: 'Rename the file or the pipeline.' }]);
}

/** Reads one byte more than allowed at most: the parser then says that the file is too large. */
async function readDefinition(file: string): Promise<Result<string, PipelineProblem>> {
  try {
    await using handle = await open(file, 'r');
    const buffer = Buffer.alloc(sourceBytesMax + 1);
    let length = 0;
    while (length < buffer.length) {
      const { bytesRead } = await handle.read(buffer, length, buffer.length - length, null);
      if (bytesRead === 0) break;
      length += bytesRead;
    }
    // A file that is too large may have been cut within a character.
    const decoder = new TextDecoder('utf-8', { fatal: length <= sourceBytesMax });
    return ok(decoder.decode(buffer.subarray(0, length)));
  } catch (thrown) {
    const reason = thrown instanceof Error ? thrown.message : String(thrown);
    return err(startOf(file, `The file cannot be read: ${reason}`, 'It has to be UTF-8 text.'));
  }
}

function startOf(file: string, message: string, hint: string): PipelineProblem {
  return { file, line: 1, column: 1, message, hint };
}

function find(
  name: string,
  pipelines: ReadonlyMap<string, Pipeline>,
  broken: ReadonlySet<string>,
): Result<Pipeline, Failure> {
  const pipeline = pipelines.get(name);
  if (pipeline !== undefined) return ok(pipeline);
  if (broken.has(name)) {
    const message = `The pipeline "${name}" cannot be used: its definition has problems.`;
    return err(failure('not_found', message));
  }
  const nearest = nearestName(name, pipelines.keys());
  const known = [...pipelines.keys()].map((one) => `"${one}"`).join(', ');
  const all = known === '' ? 'There are none at all.' : `There are: ${known}.`;
  const hint = nearest === undefined ? all : `Did you mean "${nearest}"?`;
  return err(failure('not_found', `There is no pipeline "${name}". ${hint}`));
}

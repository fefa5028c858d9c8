import { posix } from 'node:path';
import { describe, expect, test } from 'vitest';
import { findLines, importsOf, readFiles, withoutComments } from './source-files.ts';

/**
 * The layer of each folder or file of `src/`, as in `src/README.md`. The longest match wins; a folder
 * that is not listed fails the test, so that a new one gets its place first.
 */
const layers: Readonly<Record<string, number>> = {
  base: 0,
  config: 0,
  graph: 1,
  pipeline: 1,
  scheduler: 1,
  'resources/demand.ts': 1,
  'resources/budget.ts': 1,
  stages: 2,
  resources: 3,
  processes: 3,
  ffmpeg: 3,
  speech: 3,
  storage: 3,
  store: 3,
  dispatch: 3,
  nodes: 4,
  jobs: 5,
  worker: 5,
  api: 6,
  dashboard: 6,
  cli: 6,
  telemetry: 6,
  'app.ts': 7,
  'load-pipelines.ts': 7,
  'main.ts': 7,
};

/** Node's modules that reach processes, files, networks or databases. */
const ioModules =
  /^node:(child_process|fs|fs\/promises|net|http|https|http2|tls|dgram|dns|sqlite)$/;

/** Where such modules may be used outside of the adapters, each with its reason. */
const ioExceptions: Readonly<Record<string, string>> = {
  'config/': 'reads the settings of a process',
  'nodes/': 'a node kind writes its outputs into the attempt’s directory',
  'jobs/pipeline-library.ts': 'reads the pipeline definitions',
  'jobs/create-job-service.ts': 'opens a product that is not published yet',
  'worker/': 'makes and removes the directories of attempts, and promotes their files',
  'api/': 'is the HTTP server',
  'dashboard/': 'serves its own files',
  'cli/': 'reads the film and writes the products for a person',
};

const files = readFiles('src', /\.ts$/).map(({ path, text }) => ({
  path,
  text,
  place: path.slice('src/'.length),
}));

function layerOf(place: string): number | undefined {
  const folder = place.split('/')[0] ?? place;
  return layers[place] ?? layers[folder];
}

/** The imports of project files, as places below `src/`. */
function innerImports(file: { readonly place: string; readonly text: string }) {
  return importsOf(file.text)
    .filter((line) => line.specifier.startsWith('.'))
    .map(({ specifier, isTypeOnly }) => ({
      isTypeOnly,
      target: posix.join(posix.dirname(file.place), specifier),
    }));
}

describe('the layers', () => {
  test('have a place for every file', () => {
    expect(files.filter((file) => layerOf(file.place) === undefined)).toEqual([]);
    expect(files.length).toBeGreaterThan(25);
  });

  test('are only imported downwards', () => {
    const upward = files.flatMap((file) =>
      innerImports(file)
        .filter(({ target }) => (layerOf(target) ?? Infinity) > (layerOf(file.place) ?? -1))
        .map(({ target }) => `${file.place} imports ${target}`),
    );
    expect(upward).toEqual([]);
  });

  test('never leave src', () => {
    const outside = files.flatMap((file) =>
      innerImports(file)
        .filter(({ target }) => target.startsWith('..'))
        .map(({ target }) => `${file.place} imports ${target}`),
    );
    expect(outside).toEqual([]);
  });

  test('have edges that change jobs only through jobs', () => {
    const around = files
      .filter((file) => layerOf(file.place) === 6)
      .flatMap((file) =>
        innerImports(file)
          .filter(
            ({ target, isTypeOnly }) => !isTypeOnly && /^(store|dispatch|worker)\//.test(target),
          )
          .map(({ target }) => `${file.place} imports ${target}`),
      );
    expect(around).toEqual([]);
  });
});

describe('the pure layer', () => {
  const pure = files.filter((file) => layerOf(file.place) === 1);

  test('imports nothing of Node and only zod and yaml of others', () => {
    const allowed = new Set(['zod', 'yaml']);
    const foreign = pure.flatMap((file) =>
      importsOf(file.text)
        .filter(({ specifier }) => !specifier.startsWith('.') && !allowed.has(specifier))
        .map(({ specifier }) => `${file.place} imports ${specifier}`),
    );
    expect(foreign).toEqual([]);
  });

  test('does not wait, read a clock, roll dice or look around', () => {
    const impure =
      /\b(await|async|Date\.now|new Date\(\)|performance|Math\.random|process|setTimeout|setInterval|setImmediate|queueMicrotask|crypto|console|fetch|globalThis)\b(?=[\s.(])/;
    const found = pure.flatMap((file) =>
      findLines({ path: file.path, text: withoutComments(file.text) }, impure).filter(
        // A sentence for people may use such a word; code may not.
        (line) => impure.test(line.replaceAll(/'[^']*'|`[^`]*`/g, "''")),
      ),
    );
    expect(found).toEqual([]);
  });
});

describe('foreign modules', () => {
  test('fluent-ffmpeg stays inside src/ffmpeg', () => {
    const users = files.filter((file) =>
      importsOf(file.text).some(({ specifier }) => specifier === 'fluent-ffmpeg'),
    );
    expect(users.map((file) => file.place).filter((place) => !place.startsWith('ffmpeg/'))).toEqual(
      [],
    );
  });

  test('whisper engines stay inside src/speech', () => {
    const engines = /^(whisper-node|@fugood\/whisper\.node|@echogarden\/fvad-wasm)/;
    const users = files.filter((file) =>
      importsOf(file.text).some(({ specifier }) => engines.test(specifier)),
    );
    expect(users.map((file) => file.place).filter((place) => !place.startsWith('speech/'))).toEqual(
      [],
    );
  });

  test('only adapters start processes', () => {
    const starters = files.filter(
      (file) =>
        layerOf(file.place) !== 3 &&
        importsOf(file.text).some(
          ({ specifier, isTypeOnly }) => specifier === 'node:child_process' && !isTypeOnly,
        ),
    );
    expect(starters.map((file) => file.place)).toEqual([]);
  });

  test('files, networks and databases are reached from adapters and from listed places', () => {
    const reachers = files.filter(
      (file) =>
        layerOf(file.place) !== 3 &&
        !Object.keys(ioExceptions).some((place) => file.place.startsWith(place)) &&
        importsOf(file.text).some(
          ({ specifier, isTypeOnly }) => ioModules.test(specifier) && !isTypeOnly,
        ),
    );
    expect(reachers.map((file) => file.place)).toEqual([]);
  });
});

describe('the reader of imports', () => {
  test('sees every form of import and no comment', () => {
    const text = [
      "import { a } from './a.ts';",
      "import type { B } from './b.ts';",
      'import {',
      '  c,',
      "} from './c.ts';",
      "import './d.ts';",
      "export { e } from './e.ts';",
      "// import './no.ts';",
      "/* import './no.ts'; */",
      "const f = await import('./f.ts');",
    ].join('\n');
    expect(importsOf(text).map(({ specifier }) => specifier)).toEqual([
      './a.ts',
      './b.ts',
      './c.ts',
      './d.ts',
      './e.ts',
      './f.ts',
    ]);
    expect(importsOf(text).map(({ isTypeOnly }) => isTypeOnly)).toEqual([
      false,
      true,
      false,
      false,
      false,
      false,
    ]);
  });
});

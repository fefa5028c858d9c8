import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { loadPipelineLibrary, pipelineFilesMax } from '../../../src/jobs/pipeline-library.ts';
import type { PipelineLibrary } from '../../../src/jobs/pipeline-library.ts';
import { formatProblem } from '../../../src/pipeline/problem.ts';
import { fakeKinds } from '../../fakes/kinds.ts';

let directory = '';

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'reelgraph-library-'));
});

afterEach(async () => {
  await rm(directory, { recursive: true, force: true });
});

function sound(name: string): string {
  return `name: ${name}\nnodes: {validate: {uses: validate}}\n`;
}

async function write(files: Readonly<Record<string, string | Uint8Array>>): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    await writeFile(join(directory, name), content);
  }
}

async function load(): Promise<PipelineLibrary> {
  const library = await loadPipelineLibrary(directory, fakeKinds);
  if (!library.ok) throw new Error(library.error.message);
  return library.value;
}

/** The problems without the directory. */
function linesOf({ problems }: PipelineLibrary): readonly string[] {
  return problems.map((problem) => formatProblem(problem).replace(`${directory}/`, ''));
}

describe('the library', () => {
  test('holds every definition of the directory by name', async () => {
    await write({
      'b.yaml': sound('b'),
      'a.yml': sound('a'),
      'c.json': '{"name": "c", "nodes": {"validate": {"uses": "validate"}}}',
      'README.md': '# not a definition',
      'pipeline.schema.json': '{}',
    });
    await mkdir(join(directory, 'd.yaml'));
    const library = await load();
    expect([...library.pipelines.keys()]).toEqual(['a', 'b', 'c']);
    expect(library.pipelines.get('a')?.name).toBe('a');
    expect(library.problems).toEqual([]);
  });

  test('of an empty directory is empty', async () => {
    const library = await load();
    expect(library.pipelines.size).toBe(0);
    expect(library.problems).toEqual([]);
  });

  test('leaves out what is wrong and lists all of it', async () => {
    await write({
      'good.yaml': sound('good'),
      'bad.yaml':
        'name: bad\nnodes: {validate: {uses: validat}, a: {uses: thumbnail, needs: [x]}}\n',
      'other.yaml': `# first line\n${sound('another')}`,
      'binary.yaml': Uint8Array.of(0xff, 0xfe, 0x00),
    });
    await symlink('nowhere', join(directory, 'link.yaml'));
    const library = await load();
    expect([...library.pipelines.keys()]).toEqual(['good']);
    expect(linesOf(library)).toEqual([
      'bad.yaml:2:26: There is no node kind `validat`. Did you mean `validate`?',
      'bad.yaml:2:65: `a` needs `x`, which is not a node of this pipeline. Known nodes: `validate`, `a`.',
      'binary.yaml:1:1: The file cannot be read: The encoded data was not valid for encoding utf-8. It has to be UTF-8 text.',
      expect.stringMatching(/^link\.yaml:1:1: The file cannot be read: ENOENT/),
      'other.yaml:2:1: The name `another` is not that of the file, `other`. Rename the file or the pipeline.',
    ]);
  });

  test('takes one of two files of one name', async () => {
    await write({
      'a.json': '{"name": "a", "nodes": {"v": {"uses": "validate"}}}',
      'a.yaml': sound('a'),
    });
    const library = await load();
    expect(library.pipelines.get('a')?.nodes[0]?.id).toBe('v');
    expect(linesOf(library)).toEqual([
      'a.yaml:1:1: There is another pipeline `a`. Keep one of the files.',
    ]);
  });

  test('reads no more of a file than a definition may have', async () => {
    await write({ 'large.yaml': `#${'€'.repeat(200_000)}\n${sound('large')}` });
    expect(linesOf(await load())).toEqual([
      'large.yaml:1:1: The file is larger than 256 KiB. Split it into several pipelines.',
    ]);
  });

  test('of a directory that is not there is a failure', async () => {
    const missing = join(directory, 'missing');
    const library = await loadPipelineLibrary(missing, fakeKinds);
    expect(library).toMatchObject({
      ok: false,
      error: {
        code: 'not_found',
        message: `There is no pipelines directory "${missing}". Set REELGRAPH_PIPELINES or --pipelines.`,
      },
    });
  });

  test('of a file is a failure', async () => {
    await write({ 'a.yaml': sound('a') });
    const library = await loadPipelineLibrary(join(directory, 'a.yaml'), fakeKinds);
    expect(library).toMatchObject({ ok: false, error: { code: 'not_found' } });
  });

  test('of far too many files is a failure', async () => {
    const names = Array.from({ length: pipelineFilesMax + 1 }, (_, index) => `n${index}.yaml`);
    await write(Object.fromEntries(names.map((name) => [name, ''])));
    const library = await loadPipelineLibrary(directory, fakeKinds);
    expect(library).toMatchObject({ ok: false, error: { code: 'storage' } });
  });
});

describe('looking for a pipeline', () => {
  test('finds it by name', async () => {
    await write({ 'a.yaml': sound('a') });
    expect((await load()).find('a')).toMatchObject({ ok: true, value: { name: 'a' } });
  });

  test('says which one was probably meant', async () => {
    await write({ 'standard.yaml': sound('standard') });
    expect((await load()).find('standart')).toEqual({
      ok: false,
      error: {
        code: 'not_found',
        message: 'There is no pipeline "standart". Did you mean "standard"?',
      },
    });
  });

  test('says which ones there are', async () => {
    await write({ 'a.yaml': sound('a'), 'b.yaml': sound('b') });
    expect((await load()).find('vertical')).toEqual({
      ok: false,
      error: {
        code: 'not_found',
        message: 'There is no pipeline "vertical". There are: "a", "b".',
      },
    });
  });

  test('says when there are none', async () => {
    expect((await load()).find('a')).toMatchObject({
      error: { message: 'There is no pipeline "a". There are none at all.' },
    });
  });

  test('says when its definition has problems', async () => {
    await write({ 'bad.yaml': 'name: bad' });
    expect((await load()).find('bad')).toEqual({
      ok: false,
      error: {
        code: 'not_found',
        message: 'The pipeline "bad" cannot be used: its definition has problems.',
      },
    });
  });
});

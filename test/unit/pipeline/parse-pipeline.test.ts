import { describe, expect, test } from 'vitest';
import { parsePipeline, problemsMax } from '../../../src/pipeline/parse-pipeline.ts';
import { fakeKinds } from '../../fakes/kinds.ts';
import { pipelineOf, problemsOf } from './definitions.ts';

/** A definition with one node `a` behind `validate`; its keys begin on line 6, column 5. */
function withNode(...lines: readonly string[]): string {
  return [
    'name: test',
    'nodes:',
    '  validate: {uses: validate}',
    '  a:',
    '    needs: [validate]',
    ...lines.map((line) => `    ${line}`),
    '',
  ].join('\n');
}

describe('a sound definition', () => {
  test('becomes a pipeline with every default filled in', () => {
    const pipeline = pipelineOf('name: test\nnodes:\n  validate:\n    uses: validate\n');
    expect(pipeline).toEqual({
      name: 'test',
      params: [],
      nodes: [
        {
          id: 'validate',
          kind: fakeKinds.get('validate'),
          needs: [],
          with: new Map(),
          optional: false,
          retry: { attemptsMax: 3, backoffMs: 1000 },
          timeoutMs: 6 * 3_600_000,
        },
      ],
    });
  });

  test('keeps everything it says', () => {
    const pipeline = pipelineOf(`
$schema: ./pipeline.schema.json
name: test
description: A test.
params:
  height: {type: number, default: 720, enum: [480, 720], description: Short side.}
nodes:
  validate: {uses: validate}
  a:
    uses: transcode
    needs: [validate]
    with: {resolution: "\${{ params.height }}", preset: slow}
    when: media.video && media.width > 3
    optional: true
    retry: {attempts: 5, backoff: 500ms}
    timeout: 30m
    resources: {cores: {min: 2, max: 4}, memory: 1.5 GiB}
`);
    expect(pipeline.description).toBe('A test.');
    expect(pipeline.params).toEqual([
      {
        name: 'height',
        type: 'number',
        default: 720,
        enum: [480, 720],
        description: 'Short side.',
      },
    ]);
    expect(pipeline.nodes[1]).toEqual({
      id: 'a',
      kind: fakeKinds.get('transcode'),
      needs: ['validate'],
      with: new Map<string, unknown>([
        ['resolution', { param: 'height' }],
        ['preset', { value: 'slow' }],
      ]),
      when: [
        { fact: 'video', is: true },
        { fact: 'width', operator: '>', value: 3 },
      ],
      optional: true,
      retry: { attemptsMax: 5, backoffMs: 500 },
      timeoutMs: 1_800_000,
      resources: { coresMin: 2, coresMax: 4, memoryBytes: 1_610_612_736 },
    });
  });

  test('may be JSON', () => {
    const json = JSON.stringify({ name: 'test', nodes: { validate: { uses: 'validate' } } });
    expect(pipelineOf(json).nodes.map(({ id }) => id)).toEqual(['validate']);
  });

  test('may share parts by aliases', () => {
    const pipeline = pipelineOf(`
name: test
nodes:
  validate: {uses: validate}
  a: {uses: transcode, needs: &needs [validate], with: {resolution: 480}}
  b: {uses: transcode, needs: *needs, with: {resolution: 360}}
`);
    expect(pipeline.nodes[2]?.needs).toEqual(['validate']);
  });

  test('may ask for a number of cores and for bytes of memory', () => {
    const pipeline = pipelineOf(
      withNode('uses: thumbnail', 'resources: {cores: 2, memory: 1048576}'),
    );
    expect(pipeline.nodes[1]?.resources).toEqual({
      coresMin: 2,
      coresMax: 2,
      memoryBytes: 1_048_576,
    });
  });
});

describe('the definition itself', () => {
  test.each([
    ['', ['f:1:1: This is not a pipeline. Start with `name:` and `nodes:`.']],
    ['[a, b]', ['f:1:1: This is not a pipeline. Start with `name:` and `nodes:`.']],
    ['just text', ['f:1:1: This is not a pipeline. Start with `name:` and `nodes:`.']],
    [
      'name: test\nnode: {}',
      [
        'f:1:1: `nodes` is missing. Add it: a map.',
        'f:2:1: `node` is not known. Did you mean `nodes`?',
      ],
    ],
    ['nodes: {validate: {uses: validate}}', ['f:1:1: `name` is missing. Add it: a text.']],
    [
      'name: My Pipeline\nnodes: {}',
      [
        'f:1:1: `name` must be small letters, digits and hyphens, starting with a letter, at most 63 of them. Change the value.',
        'f:2:1: The pipeline has no nodes. Add one, e.g. `validate`.',
      ],
    ],
    [
      'name: 7\nnodes: [a]\nparams: x',
      [
        'f:1:1: `name` must be a text, not a number. Put quotes around it to make it a text.',
        'f:2:1: `nodes` must be a map, not a list. Write `key: value` lines below it, indented.',
        'f:3:1: `params` must be a map, not a text. Write `key: value` lines below it, indented.',
      ],
    ],
  ])('is checked: %j', (text, problems) => {
    expect(problemsOf(text)).toEqual(problems);
  });

  test('has its faults of YAML reported with their places', () => {
    expect(problemsOf('name: test\nnodes:\n  a: {uses: b\n  c: d\n')[0]).toMatch(
      /^f:4:\d+: This is not valid YAML: .+\. Check indentation, quotes and brackets/,
    );
  });

  test('may not give a key twice', () => {
    expect(problemsOf(withNode('uses: thumbnail', 'optional: true', 'uses: merge'))).toEqual([
      'f:8:5: The key `uses` is given twice. Keep one of the two.',
    ]);
  });

  test('has at most 500 nodes', () => {
    const nodes = Array.from({ length: 501 }, (_, index) => `  n${index}: {uses: publish}`);
    expect(problemsOf(['name: test', 'nodes:', ...nodes].join('\n'))).toEqual([
      'f:2:1: The pipeline has 501 nodes; at most 500 are allowed. Split it into several pipelines.',
    ]);
    expect(problemsOf(['name: test', 'nodes:', ...nodes.slice(1, 401)].join('\n'))).toHaveLength(
      problemsMax,
    );
  });

  test('has at most 50 parameters', () => {
    const params = Array.from({ length: 51 }, (_, index) => `  p${index}: {type: string}`);
    const text = ['name: test', 'params:', ...params, 'nodes: {validate: {uses: validate}}'];
    expect(problemsOf(text.join('\n'))).toEqual([
      'f:2:1: There are more than 50 parameters. Remove some.',
    ]);
  });
});

describe('a parameter', () => {
  test('is checked with its default and its values', () => {
    const text = [
      'name: test',
      'params:',
      '  Bad: {type: string}',
      '  a: {type: strin}',
      '  b: {default: 3}',
      '  c: {type: number, default: "3", enum: [1, two]}',
      '  d: {type: number, default: 3, enum: [1, 2]}',
      '  e: {type: string, defualt: x, enum: []}',
      '  f: text',
      'nodes: {validate: {uses: validate}}',
    ];
    expect(problemsOf(text.join('\n'))).toEqual([
      'f:3:3: `Bad` cannot be the name of a parameter. Use letters, digits, `-` and `_`, e.g. `language`.',
      'f:4:7: `params.a.type` cannot be `strin`. Did you mean `string`? Choose one of `string`, `number`, `boolean`.',
      'f:5:3: `params.b.type` is missing. Choose one of `string`, `number`, `boolean`.',
      'f:6:21: `3` is not a number, the type of parameter `c`. Change the value or the type.',
      'f:6:45: `two` is not a number, the type of parameter `c`. Change the value or the type.',
      'f:7:21: The default `3` is not one of the values of `enum`. Choose one of them, or add it.',
      'f:8:21: `params.e.defualt` is not known. Did you mean `default`?',
      'f:8:33: `params.e.enum` must have at least 1 item. Raise it.',
      'f:9:3: `params.f` must be a map. Write `type: string` below it, indented.',
    ]);
  });
});

describe('a node', () => {
  test.each([
    [['uses: transcod'], 'f:6:11: There is no node kind `transcod`. Did you mean `transcode`?'],
    [
      ['uses: encode'],
      'f:6:11: There is no node kind `encode`. Known kinds: `validate`, `extract-audio`, `thumbnail`, `transcode`, `recognize-speech`, `merge`, `publish`.',
    ],
    [['timeout: 5m'], 'f:4:3: `uses` is missing. Add it: a text.'],
    [['uses: thumbnail', 'need: [b]'], 'f:7:5: `need` is not known. Did you mean `needs`?'],
    [
      ['uses: thumbnail', 'optional: yes'],
      'f:7:5: `optional` must be `true` or `false`, not a text. Write `true` or `false`, without quotes.',
    ],
    [
      ['uses: thumbnail', 'timeout: 5 minutes'],
      'f:7:5: `timeout` must be a duration such as `500ms`, `2s`, `30m` or `6h`. Change the value.',
    ],
    [
      ['uses: thumbnail', 'timeout: 90'],
      'f:7:5: `timeout` must be a text, not a number. Put quotes around it to make it a text.',
    ],
    [
      ['uses: thumbnail', 'timeout: 10ms'],
      'f:7:5: `timeout` must be at least 1s. Change the value.',
    ],
    [
      ['uses: thumbnail', 'timeout: 169h'],
      'f:7:5: `timeout` must be at most 168h. Change the value.',
    ],
    [
      ['uses: thumbnail', 'retry: {attempts: 11}'],
      'f:7:13: `retry.attempts` must be at most 10. Lower it.',
    ],
    [
      ['uses: thumbnail', 'retry: {attempts: 2.5}'],
      'f:7:13: `retry.attempts` must be a whole number, not 2.5. Round it.',
    ],
    [
      ['uses: thumbnail', 'retry: {backoff: 1h}'],
      'f:7:13: `retry.backoff` must be at most 10m. Change the value.',
    ],
    [
      ['uses: thumbnail', 'retry: {attempt: 1}'],
      'f:7:13: `retry.attempt` is not known. Did you mean `attempts`?',
    ],
    [
      ['uses: thumbnail', 'retry: 3'],
      'f:7:5: `retry` must be a map, not a number. Write `key: value` lines below it, indented.',
    ],
    [
      ['uses: thumbnail', 'resources: {cores: {min: 4, max: 2}}'],
      'f:7:25: `resources.cores.min` must not be greater than `max`. Change the value.',
    ],
    [
      ['uses: thumbnail', 'resources: {cores: -1}'],
      'f:7:17: `resources.cores` must be at least 1. Raise it.',
    ],
    [
      ['uses: thumbnail', 'resources: {cores: 2000}'],
      'f:7:17: `resources.cores` must be at most 1024. Lower it.',
    ],
    [
      ['uses: thumbnail', 'resources: {cores: many}'],
      'f:7:17: `resources.cores` must be a number or a map, not a text. Change the value.',
    ],
    [
      ['uses: thumbnail', 'resources: {cores: {mn: 1}}'],
      'f:7:25: `resources.cores.mn` is not known. Did you mean `min`?',
    ],
    [
      ['uses: thumbnail', 'resources: {memory: 2 GB}'],
      'f:7:17: `resources.memory` must be an amount of memory such as `1.5 GiB` or `512 MiB`. Change the value.',
    ],
    [
      ['uses: thumbnail', 'resources: {memory: 0 B}'],
      'f:7:17: `resources.memory` must be more than nothing. Change the value.',
    ],
    [
      ['uses: thumbnail', 'resources: {memory: -5}'],
      'f:7:17: `resources.memory` must be at least 1. Raise it.',
    ],
    [
      ['uses: thumbnail', 'resources: {core: 1}'],
      'f:7:17: `resources.core` is not known. Did you mean `cores`?',
    ],
    [
      ['uses: thumbnail', 'when: media.video && media.shortside > 3'],
      'f:7:26: `media.shortside` is nothing that a condition knows. Did you mean `media.shortSide`?',
    ],
    [
      ['uses: thumbnail', `when: "media.video && media.width"`],
      'f:7:38: `media.width` has to be compared with a number. Write for example `media.shortSide > 720`.',
    ],
    [
      ['uses: thumbnail', `when: "media.video\\t&& media.width"`],
      'f:7:11: `media.width` has to be compared with a number (character 27 of the condition). Write for example `media.shortSide > 720`.',
    ],
    [
      ['uses: thumbnail', 'when: true'],
      'f:7:5: `when` must be a text, not true or false. Put quotes around it to make it a text.',
    ],
    [
      ['uses: thumbnail', 'with:'],
      'f:7:5: `with` must be a map, but is empty. Give it a value, or remove the key.',
    ],
  ])('is checked: %j', (lines, problem) => {
    expect(problemsOf(withNode(...lines))).toEqual([problem]);
  });

  test('has a name that can be part of a path', () => {
    expect(problemsOf('name: test\nnodes:\n  Bad_Name: {uses: validate}\n')).toEqual([
      'f:3:3: `Bad_Name` cannot be the name of a node. It must be small letters, digits and hyphens, starting with a letter, at most 63 of them.',
    ]);
  });

  test('is a map', () => {
    expect(problemsOf('name: test\nnodes:\n  validate:\n  a: validate\n')).toEqual([
      'f:3:3: `nodes.validate` must be a map. Write `uses: kind` below it, indented.',
      'f:4:3: `nodes.a` must be a map. Write `uses: kind` below it, indented.',
    ]);
  });
});

describe('parameters of a kind', () => {
  test.each([
    [
      ['uses: transcode', 'with: {resolutoin: 720}'],
      [
        'f:7:5: `with.resolution` is missing. Add it: a number.',
        'f:7:12: `with.resolutoin` is not known. Did you mean `resolution`?',
      ],
    ],
    [['uses: transcode'], ['f:4:3: `with.resolution` is missing. Add it: a number.']],
    [
      ['uses: transcode', 'with:', '  resolution: "720"', '  crf: 99', '  preset: veryfst'],
      [
        'f:8:7: `with.resolution` must be a number, not a text. Write a number, without quotes.',
        'f:9:7: `with.crf` must be at most 51. Lower it.',
        'f:10:7: `with.preset` cannot be `veryfst`. Did you mean `veryfast`? Choose one of `ultrafast`, `veryfast`, `medium`, `slow`.',
      ],
    ],
    [
      ['uses: thumbnail', 'with: {widthMax: 100.5, quality: 3}'],
      [
        'f:7:12: `with.widthMax` must be a whole number, not 100.5. Round it.',
        'f:7:29: `with.quality` is not known. Known keys: `widthMax`.',
      ],
    ],
    [
      ['uses: publish', 'with: {to: x}'],
      ['f:7:12: `with.to` is not known. There are no keys here.'],
    ],
  ])('are checked: %j', (lines, problems) => {
    expect(problemsOf(withNode(...lines))).toEqual(problems);
  });
});

describe('references to job parameters', () => {
  const params = [
    'params:',
    '  height: {type: number}',
    '  speech: {type: string, default: en}',
    '  quality: {type: number, enum: [20, 90]}',
  ].join('\n');
  const withReference = (line: string, uses = 'transcode') =>
    `${params}\n${withNode(`uses: ${uses}`, line)}`;

  test('may stand for required values that a job has to give', () => {
    expect(problemsOf(withReference('with: {resolution: "${{ params.height }}"}'))).toEqual([]);
  });

  test.each([
    [
      'with: {resolution: "${{ params.heigth }}"}',
      'f:11:24: The pipeline declares no parameter `heigth`. Did you mean `height`?',
    ],
    [
      'with: {resolution: "${{ params.speech }}"}',
      'f:11:24: `with.resolution` must be a number, not a text (from parameter `speech`). Write a number, without quotes.',
    ],
    [
      'with: {resolution: 720, crf: "${{ params.quality }}"}',
      'f:11:34: `with.crf` must be at most 51 (from parameter `quality`). Lower it.',
    ],
    [
      'with: {resolution: 720, preset: "very${{ params.speech }}"}',
      'f:11:37: `with.preset` is not exactly one reference to a parameter. Write `${{ params.name }}` and nothing else.',
    ],
    [
      'with: {resolution: 720, crf: ["${{ params.quality }}"]}',
      'f:11:34: `with.crf` is not exactly one reference to a parameter. Write `${{ params.name }}` and nothing else.',
    ],
    [
      'with: {resolution: 720, crff: "${{ params.quality }}"}',
      'f:11:29: `with.crff` is not known. Did you mean `crf`?',
    ],
  ])('are checked: %s', (line, problem) => {
    expect(problemsOf(withReference(line))[0]).toBe(problem);
  });

  test('need a declaration', () => {
    expect(
      problemsOf(withNode('uses: transcode', 'with: {resolution: "${{ params.x }}"}')),
    ).toEqual(['f:7:24: The pipeline declares no parameter `x`. Declare it under `params:`.']);
  });

  test('say no more than the declaration when that is wrong', () => {
    const text = `params: {x: {type: sting}}\n${withNode('uses: transcode', 'with: {resolution: "${{ params.x }}"}')}`;
    expect(problemsOf(text)).toEqual([
      'f:1:14: `params.x.type` cannot be `sting`. Did you mean `string`? Choose one of `string`, `number`, `boolean`.',
    ]);
  });
});

test('everything that is wrong is found at once, in the order of the text', () => {
  const problems = problemsOf(`
nmae: test
params:
  speech: {type: text}
nodes:
  validate: {uses: validat}
  a:
    uses: transcode
    needs: [validate, b, b, nobody, a]
    with: {resolution: tall}
    when: media.colour
  b:
    uses: merge
    needs: [a]
    retry: {attempts: 0}
    timeout: soon
    resources: {cores: 0}
`);
  expect(problems.map((problem) => problem.replace(/\..*$/, ''))).toEqual([
    'f:2:1: `nmae` is not known',
    'f:2:1: `name` is missing',
    'f:4:12: `params',
    'f:6:20: There is no node kind `validat`',
    'f:9:23: The needs go in a circle: `a → b → a`',
    'f:9:26: `a` needs `b` twice',
    'f:9:29: `a` needs `nobody`, which is not a node of this pipeline',
    'f:9:37: `a` needs itself',
    'f:10:12: `with',
    'f:11:11: `media',
    'f:12:3: `with',
    'f:15:13: `retry',
    'f:16:5: `timeout` must be a duration such as `500ms`, `2s`, `30m` or `6h`',
    'f:17:17: `resources',
  ]);
});

test('the file name goes into the problems as it is', () => {
  const parsed = parsePipeline('', 'pipelines/x.yaml', fakeKinds);
  expect(parsed).toEqual({
    ok: false,
    error: [
      {
        file: 'pipelines/x.yaml',
        line: 1,
        column: 1,
        message: 'This is not a pipeline',
        hint: 'Start with `name:` and `nodes:`.',
      },
    ],
  });
});

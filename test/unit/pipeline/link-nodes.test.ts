import { describe, expect, test } from 'vitest';
import { definitionText, planOf, problemsOf } from './definitions.ts';

function definition(...nodes: readonly string[]): string {
  return ['name: test', 'nodes:', ...nodes.map((node) => `  ${node}`), ''].join('\n');
}

const validate = 'validate: {uses: validate}';
const audio = 'audio: {uses: extract-audio, needs: [validate]}';
const low = 'low: {uses: transcode, needs: [validate], with: {resolution: 360}}';
const high = 'high: {uses: transcode, needs: [validate], with: {resolution: 720}}';

/** `role: from, from` of every input of a node. */
function inputsOf(text: string, id: string): readonly string[] {
  const node = planOf(text).nodes.find((planned) => planned.id === id);
  return (node?.inputs ?? []).map(({ role, from }) => `${role}: ${from.join(', ')}`);
}

describe('the inputs of a node', () => {
  test('come from the nearest provider, also through nodes that do not give the role', () => {
    expect(inputsOf(definitionText('standard'), 'merge-720p')).toEqual([
      'video: transcode-720p',
      'audio: extract-audio',
      'captions: recognize-speech',
    ]);
  });

  test('come from every provider for a node that takes all, in the order of the file', () => {
    expect(inputsOf(definitionText('standard'), 'publish')).toEqual([
      'image: thumbnail',
      'rendition: merge-720p, merge-1080p',
      'audio: extract-audio',
      'transcript: recognize-speech',
      'captions: recognize-speech',
    ]);
  });

  test('are empty where an optional one has no provider', () => {
    const text = definition(validate, low, 'm: {uses: merge, needs: [low], with: {name: low}}');
    expect(inputsOf(text, 'm')).toEqual(['video: low', 'audio: ', 'captions: ']);
  });

  test('prefer a near provider to a far one', () => {
    const text = definition(
      validate,
      low,
      'high: {uses: transcode, needs: [low, validate], with: {resolution: 720}}',
      'm: {uses: merge, needs: [high], with: {name: m}}',
    );
    expect(inputsOf(text, 'm')[0]).toBe('video: high');
  });
});

describe('nodes that do not fit together', () => {
  test.each([
    [
      'a missing provider, which could be needed',
      [validate, low, 'm: {uses: merge, needs: [validate], with: {name: m}}'],
      ['f:5:3: `m` reads a `video`, but nothing it needs makes one. Add `low` to its `needs`.'],
    ],
    [
      'a missing provider, which would have to be added',
      [validate, 'speech: {uses: recognize-speech, needs: [validate]}'],
      [
        'f:4:3: `speech` reads a `speech`, but nothing it needs makes one. Add a node of kind `extract-audio` to its `needs`.',
      ],
    ],
    [
      'a missing provider that needs parameters',
      [validate, 'm: {uses: merge, needs: [validate], with: {name: m}}'],
      [
        'f:4:3: `m` reads a `video`, but nothing it needs makes one. Add a node of kind `transcode` to its `needs`.',
      ],
    ],
    [
      'two providers equally near',
      [validate, low, high, 'm: {uses: merge, needs: [low, high], with: {name: m}}'],
      [
        'f:6:3: `m` reads one `video`, but `low`, `high` make one equally near. Need only one of them, or put the one that counts nearer.',
      ],
    ],
    [
      'two optional providers equally near',
      [
        validate,
        'a: {uses: extract-audio, needs: [validate]}',
        's: {uses: recognize-speech, needs: [a]}',
        't: {uses: recognize-speech, needs: [a]}',
        low,
        'm: {uses: merge, needs: [s, t, low], with: {name: m}}',
      ],
      [
        'f:6:3: `t` and `s` both make the product `transcript.json`. Give them different parameters, or remove one.',
        'f:6:3: `t` and `s` both make the product `captions.vtt`. Give them different parameters, or remove one.',
        'f:6:3: `t` and `s` both make the product `captions.srt`. Give them different parameters, or remove one.',
        'f:8:3: `m` reads one `captions`, but `s`, `t` make one equally near. Need only one of them, or put the one that counts nearer.',
      ],
    ],
    [
      'two products of one name',
      [
        validate,
        low,
        high,
        'm: {uses: merge, needs: [low], with: {name: film}}',
        'n: {uses: merge, needs: [high], with: {name: film}}',
      ],
      [
        'f:7:3: `n` and `m` both make the product `film.mp4`. Give them different parameters, or remove one.',
      ],
    ],
    [
      'two sources',
      [validate, 'again: {uses: validate, needs: [validate]}'],
      ['f:4:3: `again` and `validate` both make the `source`. Keep one of them.'],
    ],
    [
      'a condition before the probe',
      ['validate: {uses: validate, when: media.video}', 'p: {uses: publish, when: media.audio}'],
      [
        'f:3:30: The condition of `validate` asks about the source before anything has probed it. Add a node of kind `validate` to its `needs`.',
        'f:4:22: The condition of `p` asks about the source before anything has probed it. Add a node of kind `validate` to its `needs`.',
      ],
    ],
    [
      'a need that is no node',
      [validate, 'a: {uses: thumbnail, needs: [validat]}', 'b: {uses: publish, needs: [x]}'],
      [
        'f:4:32: `a` needs `validat`, which is not a node of this pipeline. Did you mean `validate`?',
        'f:5:30: `b` needs `x`, which is not a node of this pipeline. Known nodes: `validate`, `a`, `b`.',
      ],
    ],
    [
      'a node that needs itself',
      [validate, 'a: {uses: thumbnail, needs: [a, validate]}'],
      ['f:4:32: `a` needs itself. Remove this need.'],
    ],
    [
      'a need that is given twice',
      [validate, 'a: {uses: thumbnail, needs: [validate, validate]}'],
      ['f:4:42: `a` needs `validate` twice. Remove one of them.'],
    ],
    [
      'two cycles',
      [
        validate,
        'a: {uses: thumbnail, needs: [validate, c]}',
        'b: {uses: thumbnail, needs: [a]}',
        'c: {uses: thumbnail, needs: [b]}',
        'd: {uses: thumbnail, needs: [e]}',
        'e: {uses: thumbnail, needs: [d]}',
      ],
      [
        'f:4:42: The needs go in a circle: `a → c → b → a`. Remove one of these needs.',
        'f:7:32: The needs go in a circle: `d → e → d`. Remove one of these needs.',
      ],
    ],
  ])('are refused: %s', (_name, nodes, problems) => {
    expect(problemsOf(definition(...nodes))).toEqual(problems);
  });

  test('are not blamed for what is wrong in the nodes before them', () => {
    const text = definition(
      'validate: {uses: validat}',
      audio,
      'speech: {uses: recognize-speech, needs: [audio]}',
    );
    expect(problemsOf(text)).toEqual([
      'f:3:20: There is no node kind `validat`. Did you mean `validate`?',
    ]);
  });
});

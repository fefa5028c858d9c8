import { describe, expect, test } from 'vitest';
import { planArguments } from '../../../src/ffmpeg/arguments.ts';
import type { ArgumentPlan } from '../../../src/ffmpeg/arguments.ts';
import type { FfmpegCommand } from '../../../src/ffmpeg/command.ts';
import { safeInputOptions } from '../../../src/ffmpeg/safe-input.ts';

const limits = { pixelsMax: 36_000_000, durationSecMax: 14_400, streamsMax: 64 };

/** A plan as one list: what ffmpeg is called with, without the program. */
function toArguments(plan: ArgumentPlan): readonly string[] {
  return [
    ...plan.global,
    ...plan.inputs.flatMap(({ options, source }) => [...options, '-i', source]),
    ...plan.outputs.flatMap(({ options, target }) => [...options, target]),
  ];
}

function argumentsOf(command: FfmpegCommand, threads = 1, durationSec = 10): readonly string[] {
  const settings = { threads, durationSec, limits, frameTimesOption: '-fps_mode' } as const;
  return toArguments(planArguments(command, settings));
}

function valuesOf(argv: readonly string[], option: string): readonly string[] {
  return argv.flatMap((token, index) => (token === option ? [argv[index + 1] ?? ''] : []));
}

const input = { path: '/data/source', options: [] };
const output = { path: '/data/out.mp4', options: ['-c:v', 'libx264'] };

describe('the arguments of a run', () => {
  test('are exactly these for an untrusted input', () => {
    const command = {
      inputs: [{ path: '/data/source', options: ['-ss', '1.5'] }],
      outputs: [{ path: '/data/out.mp4', options: ['-map', '0:0', '-f', 'mp4'] }],
    };
    expect(argumentsOf(command)).toEqual([
      '-nostdin',
      '-hide_banner',
      '-v',
      'error',
      '-y',
      '-progress',
      'pipe:1',
      '-max_error_rate',
      '0.3',
      '-filter_threads',
      '1',
      '-filter_complex_threads',
      '1',
      '-max_alloc',
      '134217728',
      ...safeInputOptions(limits),
      '-threads',
      '1',
      '-ss',
      '1.5',
      '-i',
      'file:/data/source',
      '-map_metadata',
      '-1',
      '-map_chapters',
      '-1',
      '-threads',
      '1',
      '-t',
      '14',
      '-map',
      '0:0',
      '-f',
      'mp4',
      'file:/data/out.mp4',
    ]);
  });

  test('trust an own input with everything but other places than the disk', () => {
    const command = { inputs: [{ ...input, isOwn: true }], outputs: [output] };
    const argv = argumentsOf(command);
    expect(argv).not.toContain('-format_whitelist');
    expect(argv).not.toContain('-codec_whitelist');
    expect(valuesOf(argv, '-protocol_whitelist')).toEqual(['file']);
    expect(argv).not.toContain('-t');
  });

  test('guard every untrusted input, also beside an own one', () => {
    const command = { inputs: [{ ...input, isOwn: true }, input], outputs: [output] };
    const argv = argumentsOf(command);
    expect(valuesOf(argv, '-format_whitelist')).toHaveLength(1);
    expect(valuesOf(argv, '-t')).toEqual(['14']);
  });

  test.each([
    { threads: 1, decoder: '1', encoder: '1' },
    { threads: 2, decoder: '1', encoder: '2' },
    { threads: 3, decoder: '2', encoder: '3' },
    { threads: 8, decoder: '4', encoder: '8' },
  ])('share $threads threads between decoder and encoder', ({ threads, decoder, encoder }) => {
    const argv = argumentsOf({ inputs: [input], outputs: [output] }, threads);
    expect(valuesOf(argv, '-threads')).toEqual([decoder, encoder]);
    expect(valuesOf(argv, '-filter_threads')).toEqual([decoder]);
    expect(valuesOf(argv, '-filter_complex_threads')).toEqual([decoder]);
  });

  test('share the threads between outputs that are encoded together', () => {
    const command = { inputs: [input], outputs: [output, { ...output, path: '/data/b.mp4' }] };
    expect(valuesOf(argumentsOf(command, 4), '-threads')).toEqual(['2', '2', '2']);
    expect(valuesOf(argumentsOf(command, 1), '-threads')).toEqual(['1', '1', '1']);
  });

  test('read streams that nothing is made of by copying them to nowhere, on no thread', () => {
    const argv = argumentsOf({ inputs: [input], outputs: [output], alsoRead: ['0:0', '0:1'] }, 2);
    const reading = ['-map', '0:0', '-map', '0:1', '-t', '14', '-c', 'copy', '-f', 'null'];
    expect(argv.slice(-11)).toEqual([...reading, 'file:/dev/null']);
    expect(valuesOf(argv, '-threads')).toEqual(['1', '2']);
  });

  test('keep the times of frames where a command asks for it', () => {
    const kept = { inputs: [input], outputs: [{ ...output, keepsFrameTimes: true }] };
    expect(valuesOf(argumentsOf(kept), '-fps_mode')).toEqual(['vfr']);
    expect(argumentsOf({ inputs: [input], outputs: [output] })).not.toContain('-fps_mode');
  });

  test('let the options of a command come last, so that they win', () => {
    const own = { ...output, options: ['-t', '2', '-threads', '7'] };
    const argv = argumentsOf({ inputs: [input], outputs: [own] });
    expect(argv.slice(-5)).toEqual(['-t', '2', '-threads', '7', 'file:/data/out.mp4']);
  });

  test('never take a path for an option or a protocol', () => {
    const odd = '/data/-y http://x concat:a|b.mp4';
    const argv = argumentsOf({
      inputs: [{ path: odd, options: [] }],
      outputs: [{ path: odd, options: [] }],
    });
    expect(argv.filter((token) => token.includes('concat'))).toEqual([
      `file:${odd}`,
      `file:${odd}`,
    ]);
  });

  test('refuse a command without inputs, outputs or threads as a programmer error', () => {
    expect(() => argumentsOf({ inputs: [], outputs: [output] })).toThrow('needs an input');
    expect(() => argumentsOf({ inputs: [input], outputs: [] })).toThrow('needs an output');
    expect(() => argumentsOf({ inputs: [input], outputs: [output] }, 0)).toThrow('needs a thread');
  });
});

import { describe, expect, test } from 'vitest';
import type { ChildExit } from '../../../src/processes/child.ts';
import { classifyProbe, classifyRun } from '../../../src/ffmpeg/errors.ts';

const limits = { pixelsMax: 36_000_000, durationSecMax: 14_400, streamsMax: 64 };

function report(exit: ChildExit, stderr = ''): Parameters<typeof classifyRun>[0] {
  return { argv: ['/usr/bin/ffmpeg', '-i', 'file:/data/a b'], exit, stderr };
}

function errno(code: string): Error {
  return Object.assign(new Error(`spawn ${code}`), { code });
}

describe('a run that ended', () => {
  test('with 0 is no failure, whatever it wrote', () => {
    expect(classifyRun(report({ code: 0 }, 'Invalid data found'), limits)).toBeUndefined();
  });

  test('with 0 although the disk was full at the end is a failure', () => {
    const stderr = 'Error writing trailer of file:/x: No space left on device';
    expect(classifyRun(report({ code: 0 }, stderr), limits)?.code).toBe('storage');
  });

  test.each([
    [{ code: 255, cause: 'cancelled' }, '', 'cancelled'],
    [{ code: 255, cause: 'stalled' }, 'No space left on device', 'stalled'],
    [{ signal: 'SIGKILL', cause: 'cancelled' }, '', 'cancelled'],
    [{ signal: 'SIGKILL' }, '', 'resource'],
    [{ signal: 'SIGSEGV' }, '', 'tool'],
    [{ signal: 'SIGXFSZ' }, '', 'limit_size'],
    [{ code: 153 }, '', 'limit_size'],
    [{ signal: 'SIGXCPU' }, '', 'timeout'],
    [{ code: 152 }, '', 'timeout'],
    [{ code: 255, mayHaveSpentItsCpu: true }, '', 'timeout'],
    [{ code: 123, mayHaveSpentItsCpu: true }, '', 'timeout'],
    [{ signal: 'SIGKILL', mayHaveSpentItsCpu: true }, '', 'timeout'],
    [{ code: 1, mayHaveSpentItsCpu: true }, '', 'tool'],
    [{ code: 255 }, '', 'tool'],
    [{ code: 0 }, 'Error writing trailer of file:/x: File too large', 'limit_size'],
    [{ signal: 'SIGTERM' }, '', 'tool'],
    [{ startError: errno('ENOENT') }, '', 'tool'],
    [{ startError: errno('EAGAIN') }, '', 'resource'],
    [{ startError: errno('EMFILE') }, '', 'resource'],
    [{ code: 1 }, 'av_interleaved_write_frame(): No space left on device', 'storage'],
    [{ code: 1 }, 'file:/x: Cannot allocate memory', 'resource'],
    [{ code: 69 }, '', 'corrupt'],
    [{ code: 1 }, 'file:/x: Invalid data found when processing input', 'corrupt'],
    [{ code: 1 }, 'file:/x: End of file', 'corrupt'],
    [{ code: 1 }, "Stream map '0:7' matches no streams.", 'corrupt'],
    [{ code: 1 }, '[mp4 @ 0x1] Application provided duration: -5 is invalid', 'corrupt'],
    [{ code: 1 }, '[mov @ 0x1] moov atom not found', 'truncated'],
    [{ code: 1 }, 'Codec (dca) not on whitelist', 'unsupported_codec'],
    [{ code: 1 }, 'Picture size 9x9 exceeds specified max pixel count 4', 'limit_pixels'],
    [{ code: 1 }, 'Number of streams exceeds max_streams parameter (64)', 'limit_streams'],
    [{ code: 1 }, "Unrecognized option 'x'.", 'tool'],
  ] as const)('as %j with %j is %s', (exit, stderr, code) => {
    expect(classifyRun(report(exit, stderr), limits)?.code).toBe(code);
  });

  test('tells the uploader nothing of paths, options or messages of the tool', () => {
    const failure = classifyRun(report({ code: 1 }, 'file:/data/a: Invalid data found'), limits);
    expect(failure?.message).not.toMatch(/\/data|ffmpeg|Invalid data|-i\b/);
    expect(failure?.operatorDetail).toBe(
      "/usr/bin/ffmpeg -i 'file:/data/a b'\nexit code 1\nfile:/data/a: Invalid data found",
    );
  });

  test('names the codec that is missing', () => {
    const failure = classifyRun(report({ code: 1 }, 'Codec (dca) not on whitelist'), limits);
    expect(failure?.message).toContain('"dca"');
  });
});

describe('a probe that gave no answer', () => {
  function codeOf(stderr: string, isMedia: boolean, exit: ChildExit = { code: 1 }): unknown {
    return classifyProbe(report(exit, stderr), limits, { isMedia })?.code;
  }

  test('of a file that starts like media means damage, else a foreign format', () => {
    const invalid = 'Invalid data found when processing input';
    expect(codeOf(invalid, true)).toBe('corrupt');
    expect(codeOf(invalid, false)).toBe('unsupported_format');
  });

  test('because a decoder complained is about the file, whatever it said', () => {
    const complaint = '[pcm_s16le @ 0x5576a3156040] Too many channels: 65535';
    expect(codeOf(complaint, true)).toBe('corrupt');
    expect(codeOf(complaint, false)).toBe('unsupported_format');
  });

  test('because of the program itself is not about the file', () => {
    expect(codeOf("Unrecognized option 'max_pixel'.", true)).toBe('tool');
  });

  test('because the file ends in the middle of something means that its end is missing', () => {
    expect(codeOf('Truncating packet of size 4 to 1\nInput/output error', true)).toBe('truncated');
  });

  test('because its demuxer is not allowed means a foreign format', () => {
    expect(codeOf("Format not on whitelist 'mov'\nInvalid argument", true)).toBe(
      'unsupported_format',
    );
  });

  test('in time is a timeout, with a flood of an answer damage', () => {
    expect(codeOf('', true, { signal: 'SIGKILL', cause: 'timeout' })).toBe('timeout');
    expect(codeOf('', true, { signal: 'SIGTERM', cause: 'flooded' })).toBe('corrupt');
  });

  test('because the program is missing is no fault of the file', () => {
    expect(codeOf('', false, { startError: errno('ENOENT') })).toBe('tool');
  });
});

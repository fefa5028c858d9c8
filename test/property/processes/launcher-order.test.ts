import { constants } from 'node:os';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodeLauncherOrder } from '../../../src/processes/launcher-order.ts';
import type { FileAccess, StartOrder } from '../../../src/processes/process-starter.ts';
import { wideLimits } from '../../fakes/wide-limits.ts';
import { driveLauncher } from '../../support/raw-launcher.ts';
import { compileLauncher } from '../../support/starters.ts';

const launcherPath = await compileLauncher();
const path = launcherPath ?? '';

/** Processes are real: a run takes some milliseconds. */
const numRuns = 100;

const mark = 'the program ran';

const order: StartOrder = {
  argv: ['/bin/echo', mark],
  cwd: '/',
  env: { PATH: '/usr/bin:/bin', LANG: 'C.UTF-8' },
  limits: wideLimits,
  isConversing: false,
};

const access: FileAccess = {
  read: ['/etc'],
  execute: ['/usr', '/bin', '/lib', '/lib64'],
  change: ['/tmp'],
};

const confined: StartOrder = { ...order, access };

/** Offsets of fields in an order; the first is that of its length (`launcher.c`). */
const fields = {
  length: 0,
  version: 4,
  flags: 8,
  niceness: 12,
  cpu: 16,
  counts: 56,
  paths: 64,
  strings: 76,
};

/** Exit code of a launcher that got no order, and what it says. */
const malformed = { code: 125, signal: null, stdout: '', errno: constants.errno.EPROTO };

function changed(change: (frame: Buffer) => void, from: StartOrder = order): Buffer {
  const frame = encodeLauncherOrder(from);
  change(frame);
  return frame;
}

/** An order with other strings and the length that belongs to them. */
function withStrings(text: string): Buffer {
  const head = encodeLauncherOrder(order).subarray(0, fields.strings);
  const frame = Buffer.concat([head, Buffer.from(text, 'latin1')]);
  frame.writeUInt32LE(frame.length - 4, fields.length);
  return frame;
}

const strings = encodeLauncherOrder(order).subarray(fields.strings).toString('latin1');

/**
 * Whether a frame is an order, by the layout that is told in `launcher.c`: written a second time, and in
 * another way, so that a mistake is not made twice.
 */
function isOrder(frame: Buffer): boolean {
  if (frame.length < fields.strings || frame.readUInt32LE(0) > frame.length - 4) return false;
  const bytes = frame.readUInt32LE(0);
  if (bytes < fields.strings - 4 || bytes > 2 ** 21) return false;
  const body = frame.subarray(0, bytes + 4);
  const niceness = body.readInt32LE(fields.niceness);
  const flags = body.readUInt32LE(fields.flags);
  const [count = 0, variables = 0, ...lists] = [56, 60, 64, 68, 72].map((offset) =>
    body.readUInt32LE(offset),
  );
  const paths = lists.reduce((sum, length) => sum + length, 0);
  const parts = body.subarray(fields.strings).toString('latin1').split('\0');
  const [cwd = '', ...rest] = parts.slice(0, -1);
  return (
    body.readUInt32LE(fields.version) === 2 &&
    flags <= 7 &&
    niceness >= -20 &&
    niceness <= 19 &&
    body.readBigUInt64LE(fields.cpu) <= body.readBigUInt64LE(fields.cpu + 8) &&
    count >= 1 &&
    Math.max(count, variables, ...lists) <= 4096 &&
    (paths === 0 || flags >= 4) &&
    parts.at(-1) === '' &&
    rest.length === count + variables + paths &&
    cwd.startsWith('/') &&
    rest[0] !== '' &&
    rest.slice(count, count + variables).every((variable) => variable.indexOf('=') > 0) &&
    rest.slice(count + variables).every((one) => one.startsWith('/'))
  );
}

describe.skipIf(launcherPath === undefined)('a launcher', () => {
  test('becomes the program of an order', async () => {
    const end = await driveLauncher(path, encodeLauncherOrder(order));
    expect(end).toEqual({ code: 0, signal: null, stdout: `${mark}\n` });
  });

  test('becomes it confined, too', async () => {
    const end = await driveLauncher(path, encodeLauncherOrder(confined));
    expect(end).toEqual({ code: 0, signal: null, stdout: `${mark}\n` });
  });

  test('that gets no order ends in silence', async () => {
    const end = await driveLauncher(path, Buffer.alloc(0));
    expect(end).toEqual({ code: 0, signal: null, stdout: '' });
  });

  test('whose service has died before it came up does nothing', async () => {
    const end = await driveLauncher(path, encodeLauncherOrder(order), process.pid + 1);
    expect(end).toEqual({ code: 0, signal: null, stdout: '' });
  });

  test.each([
    ['of another version', changed((frame) => frame.writeUInt32LE(1, fields.version))],
    ['with a flag that it does not know', changed((frame) => frame.writeUInt32LE(8, fields.flags))],
    ['that is too nice', changed((frame) => frame.writeInt32LE(20, fields.niceness))],
    ['that is not nice enough', changed((frame) => frame.writeInt32LE(-21, fields.niceness))],
    ['killed before it is warned', changed((frame) => frame.writeBigUInt64LE(1n, fields.cpu + 8))],
    ['without a program', changed((frame) => frame.writeUInt32LE(0, fields.counts))],
    ['with more arguments than it has', changed((frame) => frame.writeUInt32LE(3, fields.counts))],
    ['with fewer arguments', changed((frame) => frame.writeUInt32LE(1, fields.counts))],
    ['with countless ones', changed((frame) => frame.writeUInt32LE(2 ** 32 - 1, fields.counts))],
    ['that is said to be endless', changed((frame) => frame.writeUInt32LE(2 ** 32 - 1, 0))],
    ['that is said to be empty', changed((frame) => frame.writeUInt32LE(0, 0))],
    [
      'with paths, but not confined',
      changed((frame) => frame.writeUInt32LE(0, fields.flags), confined),
    ],
    [
      'confined to more paths than it has',
      changed((frame) => frame.writeUInt32LE(9, fields.paths), confined),
    ],
    [
      'confined to a relative path',
      encodeLauncherOrder({ ...order, access: { ...access, read: ['etc'] } }),
    ],
    ['in a relative directory', withStrings(strings.replace('/', '.'))],
    ['with an empty program', withStrings(strings.replace('/bin/echo', ''))],
    ['with a variable without a value', withStrings(strings.replace('LANG=', 'LANG:'))],
    ['with a variable without a name', withStrings(strings.replace('LANG=', '=LANG'))],
    ['with an open end', withStrings(strings.slice(0, -1))],
    ['with something behind its end', withStrings(`${strings}x\0`)],
  ])('refuses an order %s', async (_, frame) => {
    expect(isOrder(frame)).toBe(false);
    expect(await driveLauncher(path, frame)).toEqual(malformed);
  });

  test('refuses an order that breaks off, wherever it does', async () => {
    const frame = encodeLauncherOrder(order);
    const lengths = fc.integer({ min: 1, max: frame.length - 1 });
    await fc.assert(
      fc.asyncProperty(lengths, async (length) => {
        expect(await driveLauncher(path, frame.subarray(0, length))).toEqual(malformed);
      }),
      { numRuns },
    );
  });

  test('refuses whatever else is none', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 300 }), async (bytes) => {
        fc.pre(!isOrder(Buffer.from(bytes)));
        expect(await driveLauncher(path, bytes)).toEqual(malformed);
      }),
      { numRuns },
    );
  });

  test('takes an order with some bytes changed only where that makes another order', async () => {
    const frame = encodeLauncherOrder(confined);
    const change = fc.tuple(fc.integer({ min: 0, max: frame.length - 1 }), fc.nat({ max: 255 }));
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 4 }), async (changes) => {
        const bytes = Buffer.from(frame);
        for (const [offset, value] of changes) bytes[offset] = value;
        const end = await driveLauncher(path, bytes);
        if (isOrder(bytes)) expect(end.code).not.toBe(malformed.code);
        else expect(end).toEqual(malformed);
      }),
      { numRuns },
    );
  });
});

test.skipIf(launcherPath === undefined)('every order arrives as it was written', async () => {
  const text = fc
    .string({ unit: 'grapheme', maxLength: 40 })
    .map((one) => one.replaceAll('\0', ''));
  await fc.assert(
    fc.asyncProperty(fc.array(text, { maxLength: 20 }), async (args) => {
      const argv = ['/usr/bin/printf', String.raw`%s\0`, 'first', ...args];
      const { stdout } = await driveLauncher(path, encodeLauncherOrder({ ...order, argv }));
      expect(Buffer.from(stdout, 'latin1').toString('utf8')).toBe(
        ['first', ...args].map((arg) => `${arg}\0`).join(''),
      );
    }),
    { numRuns },
  );
});

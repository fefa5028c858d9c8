import { describe, expect, test } from 'vitest';
import { cpuGraceSec } from '../../../src/processes/child-limits.ts';
import {
  encodeLauncherOrder,
  parseLauncherRefusal,
} from '../../../src/processes/launcher-order.ts';
import { childNiceness } from '../../../src/processes/process-starter.ts';

const order = {
  argv: ['ffmpeg', '', 'ä'],
  cwd: '/scratch',
  env: { PATH: '/bin' },
  limits: { cpuSec: 7, fileBytesMax: 2 ** 36, openFilesMax: 256, addressBytesMax: 2 ** 32 },
  isConversing: true,
};

describe('an order for the launcher', () => {
  test('is its length, numbers, and strings that end with a zero byte', () => {
    const frame = encodeLauncherOrder(order);
    expect(frame.readUInt32LE(0)).toBe(frame.length - 4);
    expect(frame.readUInt32LE(4)).toBe(2);
    expect(frame.readUInt32LE(8)).toBe(3);
    expect(frame.readInt32LE(12)).toBe(childNiceness());
    const limits = [16, 24, 32, 40, 48].map((offset) => Number(frame.readBigUInt64LE(offset)));
    expect(limits).toEqual([7, 7 + cpuGraceSec, 2 ** 36, 256, 2 ** 32]);
    expect([frame.readUInt32LE(56), frame.readUInt32LE(60)]).toEqual([3, 1]);
    expect([64, 68, 72].map((offset) => frame.readUInt32LE(offset))).toEqual([0, 0, 0]);
    expect(frame.subarray(76).toString()).toBe('/scratch\0ffmpeg\0\0ä\0PATH=/bin\0');
  });

  test('with an access is confined to the paths that follow the variables', () => {
    const access = { read: ['/a', '/b'], execute: ['/c'], change: [] };
    const frame = encodeLauncherOrder({ ...order, access });
    expect(frame.readUInt32LE(8)).toBe(7);
    expect([64, 68, 72].map((offset) => frame.readUInt32LE(offset))).toEqual([2, 1, 0]);
    expect(frame.subarray(76).toString()).toMatch(/PATH=\/bin\0\/a\0\/b\0\/c\0$/);
  });

  test('without a conversation keeps no other pipe, and may leave the address space alone', () => {
    const { addressBytesMax: _, ...limits } = order.limits;
    const frame = encodeLauncherOrder({ ...order, limits, isConversing: false });
    expect(frame.readUInt32LE(8)).toBe(0);
    expect(frame.readBigUInt64LE(48)).toBe(2n ** 64n - 1n);
  });

  test('that could not be carried out is answered by an errno, and the part of the sandbox', () => {
    const answerOf = (errno: number, step: number): Buffer => {
      const answer = Buffer.alloc(8);
      answer.writeInt32LE(errno, 0);
      answer.writeUInt32LE(step, 4);
      return answer;
    };
    expect(parseLauncherRefusal(answerOf(2, 1))).toEqual({ errno: 2 });
    expect(parseLauncherRefusal(answerOf(38, 3))).toEqual({ errno: 38, part: 'Landlock' });
    expect(parseLauncherRefusal(answerOf(1, 4).subarray(0, 7))).toBeUndefined();
  });

  test.each([[{ argv: ['a', 'b\0c'] }], [{ cwd: '/a\0' }], [{ env: { A: '\0' } }]])(
    'is never cut at a zero byte: %j',
    (change) => {
      expect(() => encodeLauncherOrder({ ...order, ...change })).toThrow(TypeError);
    },
  );
});

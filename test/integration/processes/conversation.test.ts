import { expect, test } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { wideLimits } from '../../fakes/wide-limits.ts';
import { DirectStarter } from '../../../src/processes/direct-starter.ts';
import { runTool } from '../../../src/processes/tool-run.ts';

/** Runs a program of one line in a Node of its own, with an order and a pipe for its answers. */
async function converse(program: string, order: string) {
  let answer = '';
  const end = await runTool(
    {
      argv: [process.execPath, '--eval', program],
      cwd: import.meta.dirname,
      env: {},
      limits: wideLimits,
      timeoutMs: 30_000,
      signal: new AbortController().signal,
      conversation: { order, onAnswer: (text) => (answer += text) },
    },
    { starter: new DirectStarter(), clock: systemClock },
  );
  return { ...end, answer };
}

test('a child gets its order as a line, and answers beside its standard output', async () => {
  const program = `
    process.stdin.once('data', (line) => {
      console.log('talk');
      fs.writeSync(3, String(line).toUpperCase());
      process.exit(7);
    });`;
  const { exit, stdout, answer } = await converse(program, 'order é');
  expect(exit).toEqual({ code: 7 });
  expect(stdout).toBe('talk\n');
  expect(answer).toBe('ORDER É\n');
});

test('a child that ends without reading its order just ends', async () => {
  const { exit, answer } = await converse('process.exit(3)', 'x'.repeat(1_000_000));
  expect(exit).toEqual({ code: 3 });
  expect(answer).toBe('');
});

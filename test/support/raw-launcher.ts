import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Socket } from 'node:net';
import { required } from '../../src/base/assert.ts';

/** How a launcher ended that was driven by hand. */
export interface RawEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  /** What it wrote back on the pipe of its order; absent when nothing. */
  readonly errno?: number;
}

/** Gives a launcher some bytes in place of an order, then the end of the pipe. */
export async function driveLauncher(
  path: string,
  bytes: Uint8Array,
  parent = process.pid,
): Promise<RawEnd> {
  const pipes = ['pipe', 'pipe', 'pipe', 'pipe', 'pipe'] as const;
  const launcher = spawn(path, [String(parent)], { env: {}, stdio: [...pipes] });
  let stdout = '';
  const answer: Buffer[] = [];
  launcher.stdout?.on('data', (data: Buffer) => (stdout += data.toString('latin1')));
  const pipe = launcher.stdio[4];
  const order = required(pipe instanceof Socket ? pipe : undefined, 'the pipe of the order');
  // It may refuse before it has read all of it.
  order.on('error', () => {}).on('data', (data: Buffer) => answer.push(data));
  order.end(bytes);
  await once(launcher, 'close');
  const { exitCode: code, signalCode: signal } = launcher;
  const back = Buffer.concat(answer);
  return {
    code,
    signal,
    stdout,
    ...(back.length === 8 ? { errno: back.readInt32LE(0) } : {}),
  };
}

import { mebibyte } from '../base/units.ts';
import { Child } from './child.ts';
import type { ChildExit, ChildServices, Conversation } from './child.ts';
import type { ChildLimits } from './child-limits.ts';
import type { FileAccess } from './process-starter.ts';
import { TextTail } from './text-tail.ts';

/** A short run of a tool whose answer is its standard output. */
export interface ToolOrder {
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly limits: ChildLimits;
  /** See {@link StartOrder.access}. */
  readonly access?: FileAccess;
  /** Wall-clock limit in milliseconds. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /**
   * Takes the output instead of collecting it, however much it is. Without it the output is
   * collected up to `answerCharactersMax`, beyond which the child is ended as `flooded`.
   */
  readonly onStdout?: (text: string) => void;
  /** Sees standard error as it comes; the last of it is kept all the same. */
  readonly onStderr?: (text: string) => void;
  readonly conversation?: Conversation;
  /** Called once with the child; what it returns is called when that has ended. */
  readonly watch?: (child: Child) => () => void;
}

/** How a tool's run ended and what it wrote. */
export interface ToolEnd {
  readonly argv: readonly string[];
  readonly exit: ChildExit;
  /** Empty where `onStdout` took it. */
  readonly stdout: string;
  /** The last of it. */
  readonly stderr: string;
}

/** Longest answer of a tool: a real probe has a few kilobytes, hostile tags can have megabytes. */
export const answerCharactersMax = mebibyte;

/** How much of a child's standard error is kept, the last of it: 64 KiB. */
export const stderrCharactersMax = 65_536;

/** Runs a tool to its end. An aborted signal or the time limit ends it; it is gone when this settles. */
export async function runTool(order: ToolOrder, services: ChildServices): Promise<ToolEnd> {
  const stderr = new TextTail(stderrCharactersMax);
  let stdout = '';
  if (order.signal.aborted) {
    return { argv: order.argv, exit: { cause: 'cancelled' }, stdout, stderr: '' };
  }
  const collect = (text: string): void => {
    stdout += text;
    if (stdout.length <= answerCharactersMax) return;
    stdout = '';
    child.end('flooded');
  };
  const child: Child = new Child(
    {
      ...order,
      onStdout: (text) => (order.onStdout === undefined ? collect(text) : order.onStdout(text)),
      onStderr: (text) => {
        stderr.append(text);
        order.onStderr?.(text);
      },
    },
    services,
  );
  const cancel = (): void => child.end('cancelled');
  order.signal.addEventListener('abort', cancel, { once: true });
  const cancelTimer = services.clock.after(order.timeoutMs, () => child.end('timeout'));
  const stopWatching = order.watch?.(child);
  const exit = await child.gone;
  stopWatching?.();
  cancelTimer();
  order.signal.removeEventListener('abort', cancel);
  return { argv: order.argv, exit, stdout, stderr: stderr.text };
}

/**
 * A child's whole environment: where programs are, and a locale that keeps messages in English and
 * names in UTF-8. Keys, proxies and report files of the service's own environment stay out of it.
 */
export function childEnvironment(searchPath: string): Readonly<Record<string, string>> {
  return { PATH: searchPath, LANG: 'C.UTF-8' };
}

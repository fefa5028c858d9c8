import { err, ok } from '../base/result.ts';
import type { Result } from '../base/result.ts';
import { BoundedBuffer } from './bounded-buffer.ts';
import { runWorkers } from './workers.ts';
import type { Work } from './workers.ts';

/**
 * Hands a list to workers and gathers what comes of it, in the order of the list, however long each
 * item takes. As many items wait before and behind the workers as there are of them, no more.
 *
 * @returns the results, or the first failure. When `signal` was aborted, perhaps only the first of them:
 *   ask the signal.
 * @throws what `handle` threw first. Everything has ended when it settles.
 */
export async function gatherInOrder<In, Out, Failed>(
  items: Iterable<In>,
  { workers, handle }: Omit<Work<In, Out, Failed>, 'order'>,
  signal: AbortSignal,
): Promise<Result<readonly Out[], Failed>> {
  const input = new BoundedBuffer<In>(workers);
  const output = new BoundedBuffer<Out>(workers);
  const [result, gathered] = await Promise.all([
    runWorkers({ input, output, signal }, { workers, order: 'kept', handle }),
    gather(output),
    feed(items, input),
  ]);
  return result.ok ? ok(gathered) : err(result.error);
}

async function feed<Item>(items: Iterable<Item>, input: BoundedBuffer<Item>): Promise<void> {
  for (const item of items) if (!(await input.put(item))) return;
  input.close();
}

async function gather<Item>(output: BoundedBuffer<Item>): Promise<readonly Item[]> {
  const gathered: Item[] = [];
  for await (const item of output) gathered.push(item);
  return gathered;
}

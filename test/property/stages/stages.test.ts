import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ok } from '../../../src/base/result.ts';
import { BoundedBuffer } from '../../../src/stages/bounded-buffer.ts';
import { runWorkers } from '../../../src/stages/workers.ts';

const never = new AbortController().signal;

async function fill(buffer: BoundedBuffer<number>, count: number): Promise<number> {
  let accepted = 0;
  for (let item = 0; item < count; item += 1) if (await buffer.put(item)) accepted += 1;
  buffer.close();
  return accepted;
}

async function all<Item>(buffer: BoundedBuffer<Item>): Promise<Item[]> {
  const items: Item[] = [];
  for await (const item of buffer) items.push(item);
  return items;
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index);
const counts = fc.integer({ min: 0, max: 40 });
const few = fc.integer({ min: 1, max: 6 });

describe('workers', () => {
  it('lose, double and, if asked, reorder nothing, and never hold more than their number', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        fc.record({ count: counts, workers: few, capacity: few, isKept: fc.boolean() }),
        async (scheduler, { count, workers, capacity, isKept }) => {
          const input = new BoundedBuffer<number>(capacity);
          const output = new BoundedBuffer<number>(capacity);
          let held = 0;
          let heldMost = 0;
          const handle = async (item: number) => {
            held += 1;
            heldMost = Math.max(heldMost, held);
            await scheduler.schedule(Promise.resolve());
            held -= 1;
            return ok(item);
          };
          const work = { workers, order: isKept ? 'kept' : 'free', handle } as const;
          const done = Promise.all([
            fill(input, count),
            runWorkers({ input, output, signal: never }, work),
            all(output),
          ]);
          const [accepted, result, items] = await scheduler.waitFor(done);
          expect(accepted).toBe(count);
          expect(result).toEqual(ok(undefined));
          expect(isKept ? items : items.toSorted((a, b) => a - b)).toEqual(upTo(count));
          expect(heldMost).toBeLessThanOrEqual(workers);
          expect(input.sizeMost).toBeLessThanOrEqual(capacity);
          expect(output.sizeMost).toBeLessThanOrEqual(capacity);
        },
      ),
    );
  });

  it('settle everything when they are aborted, fail or throw at any item', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        fc.record({
          workers: few,
          capacity: few,
          isKept: fc.boolean(),
          end: fc.constantFrom('abort', 'fail', 'throw'),
          last: fc.integer({ min: 0, max: 29 }),
        }),
        async (scheduler, { workers, capacity, isKept, end, last }) => {
          const input = new BoundedBuffer<number>(capacity);
          const output = new BoundedBuffer<number>(capacity);
          const controller = new AbortController();
          let held = 0;
          const handle = async (item: number) => {
            held += 1;
            await scheduler.schedule(Promise.resolve());
            held -= 1;
            if (item !== last) return ok(item);
            if (end === 'throw') throw new Error('broken');
            if (end === 'fail') return { ok: false, error: 'no' } as const;
            controller.abort();
            return ok(item);
          };
          const work = { workers, order: isKept ? 'kept' : 'free', handle } as const;
          const filled = fill(input, 60);
          const taken = all(output);
          const running = runWorkers({ input, output, signal: controller.signal }, work).catch(
            () => 'thrown',
          );
          const outcome = await scheduler.waitFor(running);
          expect(held).toBe(0);
          expect(outcome).toEqual(
            { abort: ok(undefined), fail: { ok: false, error: 'no' }, throw: 'thrown' }[end],
          );
          expect(await filled).toBeLessThan(60);
          const items = await taken;
          expect(items.length).toBeLessThan(60);
          expect(isKept ? items : upTo(items.length)).toEqual(upTo(items.length));
        },
      ),
    );
  });

  it('work on no more than a slow taker leaves room for', async () => {
    await fc.assert(
      fc.asyncProperty(few, few, async (workers, capacity) => {
        const input = new BoundedBuffer<number>(capacity);
        const output = new BoundedBuffer<number>(capacity);
        let started = 0;
        const handle = (item: number) => {
          started += 1;
          return Promise.resolve(ok(item));
        };
        const filled = fill(input, 100);
        const work = { workers, order: 'kept', handle } as const;
        const running = runWorkers({ input, output, signal: never }, work);
        await new Promise((resolve) => setImmediate(resolve));
        expect(started).toBe(workers + capacity);
        for (let taken = 1; taken <= 5; taken += 1) {
          await output.take();
          await new Promise((resolve) => setImmediate(resolve));
          expect(started).toBe(workers + capacity + taken);
        }
        output.abort();
        await running;
        expect(await filled).toBeLessThan(100);
      }),
      { numRuns: 30 },
    );
  });
});

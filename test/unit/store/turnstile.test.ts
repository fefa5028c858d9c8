import { describe, expect, test } from 'vitest';
import { Turnstile } from '../../../src/store/turnstile.ts';

describe('Turnstile', () => {
  test('lets one at a time through, in order of arrival, also after a failure', async () => {
    const turnstile = new Turnstile(10);
    const log: string[] = [];
    const work = (name: string, end: () => Promise<void>) =>
      turnstile.run(async () => {
        log.push(`${name} in`);
        await end();
        log.push(`${name} out`);
      });
    const results = await Promise.allSettled([
      work('a', () => Promise.resolve()),
      work('b', () => Promise.reject(new Error('b failed'))),
      work('c', () => Promise.resolve()),
    ]);
    expect(log).toEqual(['a in', 'a out', 'b in', 'c in', 'c out']);
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  });

  test('refuses what would wait behind too many, and takes more when they are through', async () => {
    const turnstile = new Turnstile(2);
    const gate = Promise.withResolvers<void>();
    const inside = [turnstile.run(() => gate.promise), turnstile.run(() => gate.promise)];
    await expect(turnstile.run(() => Promise.resolve())).rejects.toMatchObject({
      name: 'StoreError',
      failure: { code: 'unavailable' },
    });
    gate.resolve();
    await Promise.all(inside);
    expect(await turnstile.run(() => Promise.resolve('through'))).toBe('through');
  });

  test('closes behind the last that came', async () => {
    const turnstile = new Turnstile(2);
    const log: string[] = [];
    const gate = Promise.withResolvers<void>();
    const inside = turnstile.run(async () => {
      await gate.promise;
      log.push('through');
    });
    const closed = turnstile.close().then(() => log.push('closed'));
    await expect(turnstile.run(() => Promise.resolve())).rejects.toMatchObject({
      failure: { code: 'unavailable' },
    });
    gate.resolve();
    await Promise.all([inside, closed]);
    expect(log).toEqual(['through', 'closed']);
  });
});

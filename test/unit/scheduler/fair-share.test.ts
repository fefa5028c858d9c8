import { describe, expect, test } from 'vitest';
import {
  creditSecMax,
  idleTenantsMax,
  noUsage,
  tagOf,
  usageAfterEnd,
  usageAfterRound,
} from '../../../src/scheduler/fair-share.ts';
import type { TenantStart, Usage } from '../../../src/scheduler/fair-share.ts';

/** Tenants, one letter each, with something offered, started (so many core-seconds) or running. */
interface Scene {
  readonly usage?: Usage;
  readonly offered?: string;
  readonly started?: Readonly<Record<string, number>>;
  readonly running?: string;
  readonly weights?: Readonly<Record<string, number>>;
}

const tenantsOf = (letters: string) => Array.from(letters, (tenant) => ({ tenant }));

function startOf(tenant: string, workSec: number, cores = 1): TenantStart {
  return {
    tenant,
    reservation: { cores, memoryBytes: 0, ioSlots: 0, gpus: 0 },
    forecast: { jobId: 'job', workSec, coresMax: cores, tailSec: 0, tailCores: 1 },
  };
}

/** What is known after a round on a host of two cores. */
function after({ usage = noUsage, offered = '', started = {}, running = '', weights }: Scene) {
  const starts = Object.entries(started).map(([tenant, workSec]) => startOf(tenant, workSec));
  return usageAfterRound(
    { usage, weights: new Map(Object.entries(weights ?? {})) },
    {
      offers: [...tenantsOf(offered), ...starts],
      running: tenantsOf(running),
      starts,
      cores: 2,
    },
  );
}

function usageOf(presentTag: number, tags: Readonly<Record<string, number>>): Usage {
  return { presentTag, tags: new Map(Object.entries(tags)) };
}

const plain = (usage: Usage) => ({
  presentTag: usage.presentTag,
  ...Object.fromEntries(usage.tags),
});

describe('a start', () => {
  test('is charged to its tenant by the estimate, divided by the weight', () => {
    const usage = after({ offered: 'ab', started: { a: 12, b: 12 }, weights: { a: 3 } });
    expect([tagOf(usage, 'a'), tagOf(usage, 'b')]).toEqual([4, 12]);
  });

  test('is charged what it really took once it has ended', () => {
    const usage = after({ offered: 'a', started: { a: 12 } });
    const shares = { usage, weights: new Map() };
    expect(tagOf(usageAfterEnd(shares, startOf('a', 12, 2), 10), 'a')).toBe(20);
    expect(tagOf(usageAfterEnd(shares, startOf('a', 12, 2), 1), 'a')).toBe(2);
  });

  test('without cores stays charged by the estimate, however long it waited for a network', () => {
    const usage = after({ offered: 'a', started: { a: 3 } });
    const ended = usageAfterEnd({ usage, weights: new Map() }, startOf('a', 3, 0), 900);
    expect(tagOf(ended, 'a')).toBe(3);
  });

  test('that took less than no time counts as none', () => {
    const usage = after({ offered: 'a', started: { a: 12 } });
    const ended = usageAfterEnd({ usage, weights: new Map() }, startOf('a', 12), -5);
    expect(tagOf(ended, 'a')).toBe(0);
  });
});

describe('a tenant that comes', () => {
  test('begins where the one is that is being served', () => {
    const usage = after({ usage: usageOf(0, { a: 500 }), offered: 'aa', running: 'a' });
    expect(tagOf(usage, 'new')).toBe(500);
  });

  test('begins there also where the last estimate was far too high', () => {
    const started = after({ usage: usageOf(500, { a: 500 }), offered: 'aa', started: { a: 900 } });
    const ended = usageAfterEnd({ usage: started, weights: new Map() }, startOf('a', 900), 10);
    expect(tagOf(ended, 'a')).toBe(510);
    expect(tagOf(ended, 'new')).toBe(510);
  });

  test('does not begin where one is whose work waits for room', () => {
    const before = usageOf(500, { a: 500, waits: 450 });
    const usage = usageAfterRound(
      { usage: before, weights: new Map() },
      { offers: tenantsOf('aaw'), running: tenantsOf('a'), starts: [], cores: 2 },
    );
    expect(tagOf(usage, 'new')).toBe(500);
  });

  test('does not begin where one is that has a long run and nothing else', () => {
    const usage = after({ usage: usageOf(500, { a: 500, r: 40 }), offered: 'aa', running: 'ar' });
    expect(tagOf(usage, 'new')).toBe(500);
  });

  test('begins where the one is that has all its work running', () => {
    expect(tagOf(after({ usage: usageOf(0, { a: 500 }), running: 'a' }), 'new')).toBe(500);
  });

  test('back from idleness has no credit for it', () => {
    const before = after({ offered: 'ab', started: { a: 10, b: 10 } });
    const later = after({ usage: before, offered: 'aa', started: { a: 5000 }, running: 'a' });
    expect(later.tags.has('b')).toBe(false);
    expect(tagOf(later, 'b')).toBe(later.presentTag);
  });

  test('back from idleness still owes what it was served beyond the others', () => {
    const before = usageOf(100, { a: 100, b: 160 });
    const between = after({ usage: before, offered: 'aa', running: 'a' });
    expect(plain(between)).toEqual({ presentTag: 100, a: 100, b: 160 });
    const later = after({ usage: between, offered: 'aa', started: { a: 70 }, running: 'a' });
    expect(plain(later)).toEqual({ presentTag: 170, a: 170 });
  });
});

describe('what is remembered', () => {
  test('is nothing when nobody has anything to do', () => {
    expect(after({ usage: usageOf(7, { a: 9 }) })).toEqual(noUsage);
  });

  test('is bounded, however many tenants come and go', () => {
    let usage = noUsage;
    for (let index = 0; index < 5 * idleTenantsMax; index += 1) {
      const start = startOf(`tenant-${index}`, 50);
      usage = usageAfterRound(
        { usage, weights: new Map() },
        {
          offers: [start, { tenant: 'old' }],
          running: [{ tenant: 'old' }],
          starts: [start],
          cores: 2,
        },
      );
    }
    // Those that are idle, the one that runs, and the one that was there all the time.
    expect(usage.tags.size).toBe(idleTenantsMax + 2);
    expect(usage.tags.has('tenant-0')).toBe(false);
    expect(usage.tags.has(`tenant-${5 * idleTenantsMax - 2}`)).toBe(true);
  });

  test('of what a tenant is behind is five minutes of the host', () => {
    const before = usageOf(100_000, { a: 100_000, low: 10 });
    const usage = usageAfterRound(
      { usage: before, weights: new Map() },
      {
        offers: [{ tenant: 'low' }, { tenant: 'a' }],
        running: [{ tenant: 'a' }],
        starts: [],
        cores: 8,
      },
    );
    expect(tagOf(usage, 'low')).toBe(100_000 - 8 * creditSecMax);
  });
});

import { describe, expect, test } from 'vitest';
import { gibibyte } from '../../../src/base/units.ts';
import type { Plan } from '../../../src/pipeline/plan.ts';
import type { Capacity } from '../../../src/resources/demand.ts';
import type { Offer } from '../../../src/scheduler/effect.ts';
import { backfillMsMax, decide, select, suspectLostCount } from '../../../src/scheduler/select.ts';
import type { RunningStart } from '../../../src/scheduler/select.ts';
import { asEstimated, hostOf, runAlone } from '../../fakes/makespan.ts';
import { estimateOf, planOf } from '../../fakes/plans.ts';
import { standardPlan } from '../../fakes/standard-plan.ts';
import { offerOf } from './offers.ts';

/** What is known when something may start; an idle host of four cores at time 0 unless given. */
interface Scene {
  readonly offers: readonly Offer[];
  readonly running?: readonly RunningStart[];
  readonly host?: Partial<Capacity>;
  readonly nowMs?: number;
}

/** The starts as text, e.g. `a×2 b×1`, and behind a bar when to decide again. */
function decided({ offers, running = [], host = {}, nowMs = 0 }: Scene): string {
  const capacity = { ...hostOf(4), ...host };
  const { starts, reconsiderAtMs } = decide({ offers, running, capacity, nowMs });
  const text = starts.map(({ nodeId, reservation }) => `${nodeId}×${reservation.cores}`).join(' ');
  return reconsiderAtMs === undefined ? text : `${text} | ${reconsiderAtMs}`.trim();
}

/** Something that holds a part of the host, nobody knows for how long. */
function holding(held: Partial<Capacity>): RunningStart {
  const reservation = { cores: 0, memoryBytes: 0, ioSlots: 0, gpus: 0, ...held };
  return { reservation, startedAtMs: 0 };
}

/** An attempt on so many cores that ends, by its estimate, after so many seconds. */
function ending(cores: number, inSec: number): RunningStart {
  const workSec = cores * inSec;
  const forecast = { jobId: 'other', workSec, coresMax: cores, tailSec: 0, tailCores: 1 };
  return { ...holding({ cores }), forecast };
}

/** The starts of a single job on a host where everything goes as estimated: `0 a×1`, in seconds. */
function timeline(plan: Plan, cores: number): readonly string[] {
  return runAlone(plan, cores, asEstimated(plan)).starts.map(
    ({ start, atMs }) => `${atMs / 1000} ${start.nodeId}×${start.reservation.cores}`,
  );
}

describe('a start', () => {
  test('names the attempt, what it holds and what is known of its end', () => {
    const offer = offerOf('a', 12, { attempt: 3, coresMax: 8, memoryBytes: gibibyte, tailSec: 4 });
    const capacity = hostOf(2);
    expect(select({ offers: [offer], running: [], capacity, nowMs: 0 })).toEqual([
      {
        jobId: 'job',
        nodeId: 'a',
        attempt: 3,
        tenant: 'default',
        isSuspect: false,
        reservation: { cores: 2, memoryBytes: gibibyte, ioSlots: 0, gpus: 0 },
        forecast: { jobId: 'job', workSec: 12, coresMax: 8, tailSec: 4, tailCores: 1 },
      },
    ]);
  });

  test('gets all the cores of an idle host that it can use', () => {
    expect(decided({ offers: [offerOf('a', 9, { coresMax: 16 })] })).toBe('a×4');
    expect(decided({ offers: [offerOf('a', 9, { coresMax: 3 })] })).toBe('a×3');
  });

  test('gets whole cores only', () => {
    const host = { cores: 3.5 };
    expect(decided({ offers: [offerOf('a', 9, { coresMax: 16 })], host })).toBe('a×3');
  });

  test('needs something to start and something to start it on', () => {
    expect(decided({ offers: [] })).toBe('');
    const running = [holding({ cores: 4, ioSlots: 4 })];
    expect(decided({ offers: [offerOf('a', 1)], running })).toBe('');
  });

  test('is chosen by priority, then by what is nearly finished, then by the longest chain', () => {
    const offers = [
      offerOf('later', 1, { jobId: 'x', jobRemainingSec: 900 }),
      offerOf('short', 1, { tailSec: 1 }),
      offerOf('long', 1, { tailSec: 5, jobRemainingSec: 2 }),
      offerOf('urgent', 1, { jobId: 'z', priority: 9, jobRemainingSec: 9000 }),
    ];
    expect(decided({ offers, host: { cores: 3 } })).toBe('urgent×1 long×1 short×1');
  });

  test('does not depend on the order in which the offers came', () => {
    const offers = ['a', 'b', 'c', 'd', 'e'].map((id) => offerOf(id, 5, { coresMax: 2 }));
    expect(decided({ offers: offers.toReversed() })).toBe(decided({ offers }));
  });
});

describe('what the starts hold', () => {
  test('is never more memory than the host has left', () => {
    const offers = ['a', 'b', 'c'].map((id) => offerOf(id, 5, { memoryBytes: gibibyte }));
    const host = { memoryBytes: 2.5 * gibibyte };
    expect(decided({ offers, host })).toBe('a×1 b×1');
    expect(decided({ offers, host, running: [holding({ memoryBytes: gibibyte })] })).toBe('a×1');
  });

  test('is never more slots or GPUs than the host has left', () => {
    const io = { coresMin: 0, coresMax: 0, ioSlots: 1 };
    const offers = ['a', 'b', 'c'].map((id) => offerOf(id, 5, io));
    expect(decided({ offers, host: { ioSlots: 2 } })).toBe('a×0 b×0');
    const onGpu = ['a', 'b'].map((id) => offerOf(id, 5, { gpus: 1 }));
    expect(decided({ offers: onGpu, host: { gpus: 1 } })).toBe('a×1');
  });

  test('is no core for work that only needs a slot, also on a host whose cores are busy', () => {
    const publish = offerOf('publish', 5, { coresMin: 0, coresMax: 0, ioSlots: 1 });
    const running = [holding({ cores: 4 })];
    expect(decided({ offers: [offerOf('a', 1), publish], running })).toBe('publish×0');
  });

  test('is a slot for work that asks for nothing, so that nothing runs unbounded', () => {
    const offers = ['a', 'b', 'c'].map((id) => offerOf(id, 5, { coresMin: 0, coresMax: 0 }));
    expect(decided({ offers, host: { ioSlots: 2 } })).toBe('a×0 b×0');
  });
});

describe('a demand larger than the host', () => {
  test('for cores is cut, and runs alone', () => {
    const big = offerOf('big', 900, { coresMin: 32, coresMax: 64, tailSec: 100 });
    const offers = [offerOf('small', 1), big];
    expect(decided({ offers })).toBe('big×4');
    expect(decided({ offers, running: [holding({ cores: 1 })] })).toBe('small×1');
  });

  test('for memory is cut, and nothing that asks for memory runs beside it', () => {
    const big = offerOf('big', 900, { memoryBytes: 64 * gibibyte });
    const host = { memoryBytes: gibibyte };
    expect(decided({ offers: [big, offerOf('small', 1)], host })).toBe('big×1');
  });

  test('for GPUs on a host without any is computed on cores', () => {
    expect(decided({ offers: [offerOf('a', 9, { gpus: 2, coresMax: 2 })] })).toBe('a×2');
  });

  test('for slots is cut to those of the host', () => {
    const offer = offerOf('a', 1, { coresMin: 0, coresMax: 0, ioSlots: 99 });
    expect(decided({ offers: [offer] })).toBe('a×0');
  });

  test('of everything at once starts on an idle host of one core', () => {
    const offer = offerOf('a', 1, {
      coresMin: 99,
      coresMax: 99,
      memoryBytes: 99 * gibibyte,
      ioSlots: 99,
      gpus: 99,
    });
    const host = { cores: 1, memoryBytes: 1, ioSlots: 1, gpus: 0 };
    expect(decided({ offers: [offer], host })).toBe('a×1');
  });
});

describe('an offer that does not fit', () => {
  const heavy = offerOf('heavy', 900, { coresMin: 4, coresMax: 4 });
  const light = offerOf('light', 1, { jobId: 'light', jobCreatedAtMs: 9_000_000 });
  const running = [holding({ cores: 2 })];

  test('is passed by lighter ones behind it', () => {
    expect(decided({ offers: [heavy, light], running })).toBe('light×1');
  });

  test('is passed for half a minute, and not for longer', () => {
    expect(backfillMsMax).toBe(30_000);
    expect(decided({ offers: [heavy, light], running, nowMs: 30_000 })).toBe('light×1');
    expect(decided({ offers: [heavy, light], running, nowMs: 30_001 })).toBe('');
  });

  test('starts as soon as enough has come together', () => {
    expect(decided({ offers: [heavy, light], nowMs: 30_001 })).toBe('heavy×4');
  });

  test('keeps what is free only as far as it needs it', () => {
    const offers = [
      offerOf('two', 900, { coresMin: 2, coresMax: 2, memoryBytes: gibibyte }),
      light,
    ];
    const host = { memoryBytes: gibibyte };
    const memoryHeld = [holding({ memoryBytes: gibibyte / 2 })];
    const old = 30_001;
    expect(decided({ offers, host, running: memoryHeld, nowMs: old })).toBe('');
    const noMemory = [offers[0]!, { ...light, estimate: estimateOf(1, { memoryBytes: 0 }) }];
    expect(decided({ offers: noMemory, host, running: memoryHeld, nowMs: old })).toBe('light×1');
  });

  test('does not hold up work of a higher priority', () => {
    const urgent = { ...light, priority: 10 };
    expect(decided({ offers: [heavy, urgent], running, nowMs: 90_000 })).toBe('light×1');
  });

  test('keeps nothing that it does not ask for', () => {
    const publish = offerOf('publish', 1, { coresMin: 0, coresMax: 0, ioSlots: 1, memoryBytes: 0 });
    expect(decided({ offers: [heavy, publish], running, nowMs: 90_000 })).toBe('publish×0');
  });

  test('waits since its own readiness, not since the job’s upload', () => {
    const fresh = { ...heavy, readyAtMs: 60_000 };
    expect(decided({ offers: [fresh, light], running, nowMs: 90_000 })).toBe('light×1');
  });
});

describe('idle cores', () => {
  test('are given to those that can use them, in order', () => {
    const offers = [
      offerOf('first', 900, { coresMax: 2, jobRemainingSec: 5 }),
      offerOf('second', 400, { coresMax: 8 }),
    ];
    expect(decided({ offers })).toBe('first×2 second×2');
  });

  test('are not left to an offer that has no room in memory', () => {
    const offers = [
      offerOf('first', 10, { coresMax: 4, memoryBytes: gibibyte, priority: 1 }),
      offerOf('second', 100, { memoryBytes: gibibyte, jobId: 'other' }),
    ];
    expect(decided({ offers, host: { memoryBytes: gibibyte } })).toBe('first×4');
    expect(decided({ offers })).toBe('first×3 second×1');
  });

  test('are not kept for work that wants none', () => {
    const offers = [
      offerOf('a', 10, { coresMax: 4, priority: 1 }),
      offerOf('upload', 900, { coresMin: 0, coresMax: 0, ioSlots: 1, jobId: 'other' }),
    ];
    expect(decided({ offers })).toBe('a×4 upload×0');
  });
});

describe('a node that waits for cores', () => {
  const long = offerOf('long', 400, { coresMax: 4, priority: 1 });

  test('says when to decide again', () => {
    const scene = { offers: [long], running: [ending(3, 5)], nowMs: 0 };
    expect(decided(scene)).toBe('| 5000');
    expect(decided({ ...scene, nowMs: 1500 })).toBe('| 5000');
  });

  test('lets what ends before that use the free cores, and nothing longer', () => {
    const offers = [long, offerOf('six', 6), offerOf('four', 4), offerOf('five', 5)];
    expect(decided({ offers, running: [ending(3, 5)] })).toBe('five×1 | 5000');
  });

  test('lets work for slots start whatever its length', () => {
    const upload = offerOf('upload', 900, { coresMin: 0, coresMax: 0, ioSlots: 1 });
    expect(decided({ offers: [long, upload], running: [ending(3, 5)] })).toBe('upload×0 | 5000');
  });

  test('starts once the cores are there', () => {
    expect(decided({ offers: [long], nowMs: 5000 })).toBe('long×4');
  });

  test('gives up on an attempt that is long overdue', () => {
    const running = [ending(3, 5)];
    expect(decided({ offers: [long], running, nowMs: 11_000 })).toBe('| 12100');
    expect(decided({ offers: [long], running, nowMs: 11_001 })).toBe('long×1');
  });

  test('does not wait for an attempt of which nothing is known', () => {
    expect(decided({ offers: [long], running: [holding({ cores: 3 })] })).toBe('long×1');
  });

  test('does not wait while what runs keeps the host busy for longer than it would take', () => {
    const running = [ending(3, 5), ending(1, 2000)];
    const scene = { offers: [long], host: { cores: 5 } };
    expect(decided({ ...scene, running })).toBe('long×1');
    // Of the 2000 core-seconds, those that are done count no more.
    const nearlyDone = { ...ending(1, 2000), startedAtMs: -1_900_000 };
    expect(decided({ ...scene, running: [ending(3, 5), nearlyDone] })).toBe('| 5000');
  });

  test('asks again a millisecond later at the earliest', () => {
    const soon = { ...ending(3, 5), startedAtMs: -5000 };
    const scene = { offers: [offerOf('long', 4000, { coresMax: 4 })], running: [soon] };
    const at = Number(decided(scene).replace('| ', ''));
    expect(at).toBeGreaterThanOrEqual(1);
    expect(Number.isInteger(at)).toBe(true);
  });
});

describe('a small graph, as estimated', () => {
  test('runs a chain on all the cores that each node can use', () => {
    const plan = planOf('a; b:a; c:b', {
      a: { estimate: estimateOf(2) },
      b: { estimate: estimateOf(8, { coresMax: 4 }) },
      c: { estimate: estimateOf(3, { coresMax: 2 }) },
    });
    expect(timeline(plan, 4)).toEqual(['0 a×1', '2 b×4', '4 c×2']);
  });

  test('starts the longest chain first where the cores do not suffice for all', () => {
    const plan = planOf('a; b:a; c:a; d:a; e:d', {
      b: { estimate: estimateOf(2) },
      c: { estimate: estimateOf(5) },
      d: { estimate: estimateOf(3) },
      e: { estimate: estimateOf(4) },
    });
    expect(timeline(plan, 2)).toEqual(['0 a×1', '1 d×1', '1 c×1', '4 e×1', '6 b×1']);
  });

  test('gives the core that a short node leaves to the next in line', () => {
    const plan = planOf('long; short; next', {
      long: { estimate: estimateOf(10) },
      short: { estimate: estimateOf(2) },
      next: { estimate: estimateOf(1) },
    });
    expect(timeline(plan, 2)).toEqual(['0 long×1', '0 short×1', '2 next×1']);
  });

  test('lets wide work run alone between narrow work', () => {
    const plan = planOf('a; b; wide:a,b; c:wide; d:wide', {
      wide: { estimate: estimateOf(8, { coresMin: 2, coresMax: 2 }) },
    });
    expect(timeline(plan, 2)).toEqual(['0 a×1', '0 b×1', '1 wide×2', '5 c×1', '5 d×1']);
  });
});

describe('the nine nodes', () => {
  const plans = [5, 60, 3600].flatMap((durationSec) =>
    [1, 2, 8].map((transcodeCoresMax) =>
      standardPlan({ durationSec, transcodeCoresMax, speechCoresMax: 4, speechFactor: 0.3 }),
    ),
  );

  test('never hold more threads than cores, and all of them at times', () => {
    for (const plan of plans) {
      for (const cores of [1, 2, 3]) {
        const host = runAlone(plan, cores, asEstimated(plan));
        expect(host.jobs.get('job')?.nodes.map(({ phase }) => phase)).toEqual(
          plan.nodes.map(() => 'succeeded'),
        );
        expect(host.coresHeldMax).toBe(cores);
      }
    }
  });

  test('hold no core while they publish', () => {
    for (const plan of plans) {
      expect(timeline(plan, 2).at(-1)).toMatch(/ publish×0$/);
    }
  });
});

describe('a node that was lost twice', () => {
  const suspect = (id: string, details = {}) =>
    offerOf(id, 10, { jobId: id, lostCount: suspectLostCount, ...details });

  test('runs beside others, but not beside another one', () => {
    const offers = [suspect('a'), suspect('b'), offerOf('c', 10, { jobId: 'c', lostCount: 1 })];
    expect(decided({ offers })).toBe('a×1 c×1');
  });

  test('waits for the end of one that runs, and holds nothing back', () => {
    const running = [{ ...holding({ cores: 1 }), isSuspect: true }];
    const offers = [suspect('a', { coresMin: 3, coresMax: 3 }), offerOf('b', 10, { jobId: 'b' })];
    expect(decided({ offers, running, nowMs: 10 * backfillMsMax })).toBe('b×1');
  });

  test('leaves no cores to one that has to wait', () => {
    const offers = [suspect('a', { coresMax: 4 }), suspect('b', { coresMax: 4 })];
    expect(decided({ offers })).toBe('a×4');
  });

  test('is known as one while it runs', () => {
    const [start] = select({ offers: [suspect('a')], running: [], capacity: hostOf(4), nowMs: 0 });
    expect(start?.isSuspect).toBe(true);
  });
});

describe('two tenants', () => {
  test('both get cores, also where one came with many jobs before', () => {
    const many = Array.from({ length: 50 }, (_, index) =>
      offerOf(`a${index}`, 10, { jobId: `a${index}`, tenant: 'a' }),
    );
    const late = offerOf('b', 10, { jobId: 'b', tenant: 'b', jobCreatedAtMs: 9_000_000 });
    const shares = {
      usage: { presentTag: 70, tags: new Map([['a', 70]]) },
      weights: new Map<string, number>(),
    };
    const { starts } = decide({
      offers: [...many, late],
      running: [],
      capacity: hostOf(2),
      nowMs: 0,
      shares,
    });
    expect(starts.map(({ nodeId, tenant }) => `${nodeId} of ${tenant}`)).toEqual([
      'a0 of a',
      'b of b',
    ]);
  });
});

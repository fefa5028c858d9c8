import { mkdir, writeFile } from 'node:fs/promises';
import { availableParallelism, totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { gibibyte, mebibyte } from '../../../src/base/units.ts';
import { readHostCapacity } from '../../../src/resources/host-capacity.ts';
import type { CapacityWish, HostCapacity } from '../../../src/resources/host-capacity.ts';
import { createTempDirectory } from '../../support/temp-directory.ts';
import {
  dockerNamespaced,
  dockerVersion1,
  hybrid,
  systemdService,
  version1Unlimited,
} from './host-trees.ts';
import type { HostTree } from './host-trees.ts';

const totalMemoryBytes = 8 * gibibyte;
const service = '/sys/fs/cgroup/system.slice/media.slice/reelgraph.service';

/** The capacity of a host with 8 CPUs and 8 GiB that has these files. */
async function capacityOf(tree: HostTree, wish: CapacityWish = {}): Promise<HostCapacity> {
  await using directory = await createTempDirectory();
  for (const [path, content] of Object.entries(tree)) {
    await mkdir(dirname(join(directory.path, path)), { recursive: true });
    await writeFile(join(directory.path, path), content);
  }
  return await readHostCapacity(wish, {
    root: directory.path,
    availableParallelism: 8,
    totalMemoryBytes,
  });
}

function reasonOf(found: HostCapacity, resource: string): string | undefined {
  return found.reasons.find((entry) => entry.resource === resource)?.reason;
}

describe('without control groups', () => {
  test('the affinity and three quarters of the memory count', async () => {
    expect(await capacityOf({})).toEqual({
      capacity: { cores: 8, memoryBytes: 6 * gibibyte, ioSlots: 4, gpus: 0 },
      reasons: [
        { resource: 'cores', value: 8, reason: 'This process may run on 8 CPUs (CPU affinity).' },
        {
          resource: 'memoryBytes',
          value: 6 * gibibyte,
          reason:
            'The host has 8.0 GiB; 2.0 GiB of it are kept for the service and for file caches.',
        },
        { resource: 'ioSlots', value: 4, reason: 'Fixed: more copies at once are no faster.' },
      ],
      warnings: [],
    });
  });

  test('a large host keeps 4 GiB back and no more', async () => {
    await using directory = await createTempDirectory();
    const found = await readHostCapacity(
      {},
      { root: directory.path, availableParallelism: 1, totalMemoryBytes: 256 * gibibyte },
    );
    expect(found.capacity).toMatchObject({ cores: 1, memoryBytes: 252 * gibibyte });
    expect(reasonOf(found, 'cores')).toBe('This process may run on 1 CPU (CPU affinity).');
  });
});

describe('control groups, version 2', () => {
  test('that limit nothing change nothing', async () => {
    expect(await capacityOf(systemdService)).toEqual(await capacityOf({}));
  });

  test.each([
    ['the service itself', service],
    ['the slice around it', '/sys/fs/cgroup/system.slice/media.slice'],
    ['the outermost slice', '/sys/fs/cgroup/system.slice'],
  ])('limit by %s', async (_, directory) => {
    const found = await capacityOf({
      ...systemdService,
      [`${directory}/cpu.max`]: '200000 100000\n',
      [`${directory}/memory.max`]: '1073741824\n',
    });
    expect(found.capacity).toMatchObject({ cores: 2, memoryBytes: 768 * mebibyte });
    expect(reasonOf(found, 'cores')).toBe(
      `The control group has a CPU quota of 2 cores (${directory}/cpu.max).`,
    );
    expect(reasonOf(found, 'memoryBytes')).toBe(
      `The control group may use 1.0 GiB (${directory}/memory.max); 256.0 MiB of it are kept for ` +
        'the service and for file caches.',
    );
  });

  test('limit by the smallest on the way up, whichever level has it', async () => {
    const found = await capacityOf({
      ...systemdService,
      '/sys/fs/cgroup/system.slice/cpu.max': '600000 100000\n',
      '/sys/fs/cgroup/system.slice/media.slice/cpu.max': '150000 50000\n',
      [`${service}/cpu.max`]: '400000 100000\n',
      '/sys/fs/cgroup/system.slice/memory.max': '2147483648\n',
      [`${service}/memory.max`]: '4294967296\n',
    });
    expect(found.capacity).toMatchObject({ cores: 3, memoryBytes: 1.5 * gibibyte });
  });

  test('limit memory where it begins to slow down, when that comes first', async () => {
    const found = await capacityOf({
      ...systemdService,
      [`${service}/memory.max`]: '4294967296\n',
      [`${service}/memory.high`]: '2147483648\n',
    });
    expect(found.capacity.memoryBytes).toBe(1.5 * gibibyte);
    expect(reasonOf(found, 'memoryBytes')).toContain(`${service}/memory.high`);
  });

  test('limit by a cpuset that is smaller than the affinity', async () => {
    const found = await capacityOf({
      ...systemdService,
      [`${service}/cpuset.cpus.effective`]: '0-1,4\n',
    });
    expect(found.capacity.cores).toBe(3);
    expect(reasonOf(found, 'cores')).toBe(
      `This process may run on 3 CPUs (${service}/cpuset.cpus.effective).`,
    );
  });

  test('in a container with a namespace of its own are read at the mount point', async () => {
    const found = await capacityOf(dockerNamespaced);
    expect(found.capacity).toMatchObject({ cores: 1, memoryBytes: 768 * mebibyte });
  });

  test('of a process outside of the namespace are read at the mount point', async () => {
    const found = await capacityOf({
      ...dockerNamespaced,
      '/proc/self/cgroup': '0::/../../other\n',
    });
    expect(found.capacity.cores).toBe(1);
  });

  test('larger than the host do not make it larger', async () => {
    const found = await capacityOf({
      ...dockerNamespaced,
      '/sys/fs/cgroup/cpu.max': '6400000 100000\n',
      '/sys/fs/cgroup/memory.max': '1099511627776\n',
    });
    expect(found.capacity).toMatchObject({ cores: 8, memoryBytes: 6 * gibibyte });
    expect(reasonOf(found, 'memoryBytes')).toContain('The host has 8.0 GiB');
  });
});

describe('a CPU quota', () => {
  test.each([
    ['150000 100000', 1, '1.5 cores', ', rounded down: a thread more than the quota stalls'],
    ['399999 100000', 3, '4 cores', ', rounded down'],
    ['300000 100000', 3, '3 cores', '/cpu.max).'],
    ['100000 100000', 1, '1 core', '/cpu.max).'],
    ['50000 100000', 1, '0.5 cores', '; one is the least to plan with.'],
    ['1000 100000', 1, '0.01 cores', '; one is the least to plan with.'],
  ])('of %s gives %i', async (quota, cores, ...texts) => {
    const found = await capacityOf({ ...dockerNamespaced, '/sys/fs/cgroup/cpu.max': `${quota}\n` });
    expect(found.capacity.cores).toBe(cores);
    for (const text of texts) expect(reasonOf(found, 'cores')).toContain(text);
  });
});

describe('control groups, version 1', () => {
  test('that limit nothing change nothing', async () => {
    expect(await capacityOf(version1Unlimited)).toEqual(await capacityOf({}));
  });

  test('of a container without a namespace are read at the mount point', async () => {
    const found = await capacityOf(dockerVersion1);
    expect(found.capacity).toMatchObject({ cores: 3, memoryBytes: 1.5 * gibibyte });
    expect(reasonOf(found, 'cores')).toBe(
      'The control group has a CPU quota of 3 cores (/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us).',
    );
  });

  test('limit by an ancestor too', async () => {
    const found = await capacityOf({
      ...version1Unlimited,
      '/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us': '250000\n',
      '/sys/fs/cgroup/memory/memory.limit_in_bytes': '1073741824\n',
    });
    expect(found.capacity).toMatchObject({ cores: 2, memoryBytes: 768 * mebibyte });
  });

  test('mixed with version 2 count where they are mounted', async () => {
    const found = await capacityOf(hybrid);
    expect(found.capacity).toMatchObject({ cores: 2, memoryBytes: 384 * mebibyte });
    expect(reasonOf(found, 'cores')).toContain('/sys/fs/cgroup/cpuset/cpuset.effective_cpus');
    expect(reasonOf(found, 'memoryBytes')).toContain('/service/1234/memory.limit_in_bytes');
    expect(found.warnings).toEqual([]);
  });
});

describe('a file that is not understood', () => {
  test.each([
    ['cpu.max', ''],
    ['cpu.max', 'lots 100000'],
    ['cpu.max', '100000'],
    ['cpu.max', '100000 0'],
    ['cpu.max', '0 100000'],
    ['cpu.max', '-5 100000'],
    ['memory.max', '12 apples'],
    ['memory.max', '0'],
    ['memory.high', '1e9'],
    ['cpuset.cpus.effective', '3-1'],
    ['cpuset.cpus.effective', 'all'],
  ])('is ignored with a warning: %s holds "%s"', async (name, content) => {
    const path = `${service}/${name}`;
    const found = await capacityOf({ ...systemdService, [path]: content });
    expect(found.capacity).toMatchObject({ cores: 8, memoryBytes: 6 * gibibyte });
    expect(found.warnings).toEqual([`${path} is not understood and was ignored.`]);
  });

  test('is ignored in version 1 as well, with a period that is missing or broken', async () => {
    const quota = '/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us';
    const { '/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us': _, ...noPeriod } = dockerVersion1;
    for (const tree of [noPeriod, { ...dockerVersion1, [quota]: 'many' }]) {
      const found = await capacityOf(tree);
      expect(found.capacity.cores).toBe(8);
      expect(found.warnings).toEqual([`${quota} is not understood and was ignored.`]);
    }
  });

  test('does not hide the limits of other levels', async () => {
    const found = await capacityOf({
      ...systemdService,
      [`${service}/cpu.max`]: 'broken',
      '/sys/fs/cgroup/system.slice/cpu.max': '200000 100000\n',
    });
    expect(found.capacity.cores).toBe(2);
  });

  test('is left out among the lines of mounts and memberships', async () => {
    const found = await capacityOf({
      '/proc/self/cgroup': 'nonsense\n0::/\n:::\n',
      '/proc/self/mountinfo': `nonsense\n - cgroup2\n${dockerNamespaced['/proc/self/mountinfo']}`,
      '/sys/fs/cgroup/cpu.max': '200000 100000\n',
    });
    expect(found.capacity.cores).toBe(2);
  });

  test('an empty cpuset is one that takes over what its parent has', async () => {
    const found = await capacityOf({
      ...systemdService,
      [`${service}/cpuset.cpus.effective`]: '\n',
    });
    expect(found.warnings).toEqual([]);
    expect(found.capacity.cores).toBe(8);
  });
});

describe('mount points', () => {
  test('with a space in their name are found', async () => {
    const found = await capacityOf({
      '/proc/self/cgroup': '0::/a\n',
      '/proc/self/mountinfo': '31 23 0:28 / /my\\040groups rw - cgroup2 cgroup2 rw\n',
      '/my groups/a/cpu.max': '200000 100000\n',
    });
    expect(found.capacity.cores).toBe(2);
  });

  test('that show a part of the hierarchy only are resolved against it', async () => {
    const found = await capacityOf({
      '/proc/self/cgroup': '0::/pods/mine/inner\n',
      '/proc/self/mountinfo': '31 23 0:28 /pods/mine /groups rw - cgroup2 cgroup2 rw\n',
      '/groups/inner/cpu.max': '200000 100000\n',
      '/groups/pods/mine/inner/cpu.max': '100000 100000\n',
    });
    expect(found.capacity.cores).toBe(2);
  });
});

describe('the settings', () => {
  test('lower what is used', async () => {
    const found = await capacityOf({}, { cores: 3, memoryBytes: gibibyte });
    expect(found.capacity).toMatchObject({ cores: 3, memoryBytes: gibibyte });
    expect(found.warnings).toEqual([]);
    expect(reasonOf(found, 'cores')).toBe('The settings ask for 3; 8 could be used.');
    expect(reasonOf(found, 'memoryBytes')).toBe(
      'The settings ask for 1.0 GiB; 6.0 GiB could be used.',
    );
  });

  test('never raise it: asking for more is warned of', async () => {
    const found = await capacityOf({}, { cores: 9, memoryBytes: 7 * gibibyte });
    expect(found.capacity).toMatchObject({ cores: 8, memoryBytes: 6 * gibibyte });
    expect(found.warnings).toEqual([
      'The settings ask for more cores than can be used: 9. 8 will be used. ' +
        'This process may run on 8 CPUs (CPU affinity).',
      'The settings ask for more memory than can be used: 7.0 GiB. 6.0 GiB will be used. ' +
        'The host has 8.0 GiB; 2.0 GiB of it are kept for the service and for file caches.',
    ]);
  });
});

test('this very host has at least one core and no more than the affinity and memory allow', async () => {
  const { capacity } = await readHostCapacity({});
  expect(capacity.cores).toBeGreaterThanOrEqual(1);
  expect(capacity.cores).toBeLessThanOrEqual(availableParallelism());
  expect(capacity.memoryBytes).toBeGreaterThan(0);
  expect(capacity.memoryBytes).toBeLessThan(totalmem());
});

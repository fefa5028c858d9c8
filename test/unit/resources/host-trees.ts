/**
 * Recorded file trees of hosts: absolute path → content. Trees of the same layout share what does not
 * matter to a test; identifiers are made up.
 */
export type HostTree = Readonly<Record<string, string>>;

const rootMounts = [
  '22 27 0:21 / /proc rw,relatime - proc proc rw',
  '23 27 0:22 / /sys rw,relatime - sysfs sysfs rw',
  '27 1 254:0 / / rw,relatime - ext4 /dev/vda rw,discard',
  '40 27 254:1 /x /with\\040space rw,relatime shared:1 master:2 - ext4 /dev/vdb rw',
];

function mountinfo(...lines: readonly string[]): string {
  return [...rootMounts, ...lines, ''].join('\n');
}

/** A unified hierarchy on the host itself: a service in nested systemd slices. */
export const systemdService: HostTree = {
  '/proc/self/cgroup': '0::/system.slice/media.slice/reelgraph.service\n',
  '/proc/self/mountinfo': mountinfo(
    '31 23 0:28 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:4 - cgroup2 cgroup2 rw,nsdelegate,memory_recursiveprot',
  ),
  '/sys/fs/cgroup/cgroup.controllers': 'cpuset cpu io memory pids\n',
  '/sys/fs/cgroup/cpuset.cpus.effective': '0-7\n',
  '/sys/fs/cgroup/system.slice/cpu.max': 'max 100000\n',
  '/sys/fs/cgroup/system.slice/memory.max': 'max\n',
  '/sys/fs/cgroup/system.slice/memory.high': 'max\n',
  '/sys/fs/cgroup/system.slice/media.slice/cpu.max': 'max 100000\n',
  '/sys/fs/cgroup/system.slice/media.slice/memory.max': 'max\n',
  '/sys/fs/cgroup/system.slice/media.slice/memory.high': 'max\n',
  '/sys/fs/cgroup/system.slice/media.slice/reelgraph.service/cpu.max': 'max 100000\n',
  '/sys/fs/cgroup/system.slice/media.slice/reelgraph.service/memory.max': 'max\n',
  '/sys/fs/cgroup/system.slice/media.slice/reelgraph.service/memory.high': 'max\n',
};

/** A container with a cgroup namespace of its own on a unified hierarchy. */
export const dockerNamespaced: HostTree = {
  '/proc/self/cgroup': '0::/\n',
  '/proc/self/mountinfo': mountinfo(
    '1342 1341 0:27 / /sys/fs/cgroup ro,nosuid,nodev,noexec,relatime - cgroup2 cgroup rw,nsdelegate',
  ),
  '/sys/fs/cgroup/cpu.max': '150000 100000\n',
  '/sys/fs/cgroup/cpuset.cpus.effective': '0-7\n',
  '/sys/fs/cgroup/memory.max': '1073741824\n',
  '/sys/fs/cgroup/memory.high': 'max\n',
};

/** A container on version 1 hierarchies without a namespace: it sees its own cgroup as the mount. */
export const dockerVersion1: HostTree = {
  '/proc/self/cgroup': [
    '11:memory:/docker/0a1b2c',
    '5:cpuset:/docker/0a1b2c',
    '3:cpu,cpuacct:/docker/0a1b2c',
    '1:name=systemd:/docker/0a1b2c',
    '',
  ].join('\n'),
  '/proc/self/mountinfo': mountinfo(
    '700 699 0:29 /docker/0a1b2c /sys/fs/cgroup/systemd ro,nosuid - cgroup cgroup rw,xattr,name=systemd',
    '703 699 0:32 /docker/0a1b2c /sys/fs/cgroup/cpu,cpuacct ro,nosuid master:13 - cgroup cgroup rw,cpu,cpuacct',
    '705 699 0:34 /docker/0a1b2c /sys/fs/cgroup/cpuset ro,nosuid master:15 - cgroup cgroup rw,cpuset',
    '711 699 0:40 /docker/0a1b2c /sys/fs/cgroup/memory ro,nosuid master:21 - cgroup cgroup rw,memory',
  ),
  '/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us': '300000\n',
  '/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us': '100000\n',
  '/sys/fs/cgroup/cpuset/cpuset.cpus': '0-7\n',
  '/sys/fs/cgroup/cpuset/cpuset.effective_cpus': '0-7\n',
  '/sys/fs/cgroup/memory/memory.limit_in_bytes': '2147483648\n',
};

/** Version 1 on the host, where nothing is limited. */
export const version1Unlimited: HostTree = {
  '/proc/self/cgroup': '4:memory:/user.slice\n3:cpuset:/\n2:cpu,cpuacct:/user.slice\n',
  '/proc/self/mountinfo': mountinfo(
    '33 31 0:30 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct',
    '34 31 0:31 / /sys/fs/cgroup/cpuset rw,relatime - cgroup cgroup rw,cpuset',
    '35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory',
  ),
  '/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us': '-1\n',
  '/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us': '100000\n',
  '/sys/fs/cgroup/cpu,cpuacct/user.slice/cpu.cfs_quota_us': '-1\n',
  '/sys/fs/cgroup/cpu,cpuacct/user.slice/cpu.cfs_period_us': '100000\n',
  '/sys/fs/cgroup/cpuset/cpuset.cpus': '0-7\n',
  '/sys/fs/cgroup/memory/memory.limit_in_bytes': '9223372036854771712\n',
  '/sys/fs/cgroup/memory/user.slice/memory.limit_in_bytes': '9223372036854771712\n',
};

/**
 * Both versions at once, recorded on a small virtual machine: the resource controllers are version 1,
 * the unified hierarchy has none. The process's memory cgroup lies below what is mounted.
 */
export const hybrid: HostTree = {
  '/proc/self/cgroup': [
    '9:name=systemd:/',
    '4:memory:/service/1234',
    '3:cpuset:/',
    '2:cpuacct:/',
    '1:cpu:/',
    '0::/',
    '',
  ].join('\n'),
  '/proc/self/mountinfo': mountinfo(
    '31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755',
    '32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu',
    '33 31 0:30 / /sys/fs/cgroup/cpuacct rw,relatime - cgroup cgroup rw,cpuacct',
    '34 31 0:31 / /sys/fs/cgroup/cpuset rw,relatime - cgroup cgroup rw,cpuset',
    '35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory',
    '40 31 0:37 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,name=systemd',
    '41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw',
  ),
  '/sys/fs/cgroup/cpu/cpu.cfs_quota_us': '-1\n',
  '/sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000\n',
  '/sys/fs/cgroup/cpuset/cpuset.cpus': '0-7\n',
  '/sys/fs/cgroup/cpuset/cpuset.effective_cpus': '0-1\n',
  '/sys/fs/cgroup/memory/memory.limit_in_bytes': '9223372036854771712\n',
  '/sys/fs/cgroup/memory/service/1234/memory.limit_in_bytes': '536870912\n',
  '/sys/fs/cgroup/unified/cgroup.controllers': '\n',
};

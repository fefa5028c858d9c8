import { posix } from 'node:path';

/** A mounted control-group hierarchy, as `/proc/self/mountinfo` tells (proc(5), cgroups(7)). */
export interface CgroupMount {
  readonly version: 1 | 2;
  /** Controllers of a version 1 mount; version 2 has all of them. */
  readonly controllers: readonly string[];
  /** Which cgroup of the hierarchy is seen at the mount point. */
  readonly root: string;
  readonly mountPoint: string;
}

/** A process's place in a hierarchy: a line of `/proc/self/cgroup`. */
export interface CgroupMembership {
  readonly version: 1 | 2;
  readonly controllers: readonly string[];
  readonly path: string;
}

/** The lines of `/proc/self/cgroup`, `id:controllers:path`; others are left out. */
export function parseCgroupMemberships(text: string): readonly CgroupMembership[] {
  return text.split('\n').flatMap((line): readonly CgroupMembership[] => {
    const [, id, list = '', path] = /^(\d+):([^:]*):(\/.*)$/.exec(line) ?? [];
    if (path === undefined) return [];
    const version = id === '0' && list === '' ? 2 : 1;
    return [{ version, controllers: list.split(','), path }];
  });
}

/** The cgroup mounts among the lines of `/proc/self/mountinfo`; others are left out. */
export function parseCgroupMounts(text: string): readonly CgroupMount[] {
  return text.split('\n').flatMap((line): readonly CgroupMount[] => {
    // Optional fields end with a lone dash: "… mount point, options [fields] - type, source, options".
    const [left = '', right = ''] = line.split(' - ');
    const [, , , root, mountPoint] = left.split(' ').map(unescapeOctal);
    const [type, , options = ''] = right.split(' ');
    if (root === undefined || mountPoint === undefined) return [];
    if (type !== 'cgroup' && type !== 'cgroup2') return [];
    const version = type === 'cgroup2' ? 2 : 1;
    return [{ version, controllers: options.split(','), root, mountPoint }];
  });
}

/**
 * The directories that may limit this process for one controller: its own cgroup first, then every
 * ancestor up to the mount point, as the smallest limit on the way counts. Empty when the controller
 * is not mounted in that version.
 */
export function cgroupDirectories(
  controller: string,
  version: 1 | 2,
  found: {
    readonly memberships: readonly CgroupMembership[];
    readonly mounts: readonly CgroupMount[];
  },
): readonly string[] {
  const isMeant = (entry: CgroupMount | CgroupMembership): boolean =>
    entry.version === version && (version === 2 || entry.controllers.includes(controller));
  const membership = found.memberships.find(isMeant);
  const mount = found.mounts.find(isMeant);
  if (membership === undefined || mount === undefined) return [];
  const parts = pathBelow(mount.root, membership.path)
    .split('/')
    .filter((part) => part !== '');
  return Array.from({ length: parts.length + 1 }, (_, above) =>
    posix.join(mount.mountPoint, ...parts.slice(0, parts.length - above)),
  );
}

/**
 * The part of a cgroup's path that lies below what the mount shows. Where the path is not below it (a
 * container that sees its own cgroup as the mount point, or a process outside of its namespace: `/..`),
 * the mount point is the nearest that can be seen.
 */
function pathBelow(root: string, path: string): string {
  if (path.split('/').includes('..')) return '';
  if (root === '/') return path;
  return path.startsWith(`${root}/`) ? path.slice(root.length) : '';
}

/** proc(5): space, tab, newline and backslash are written as three octal digits. */
function unescapeOctal(text: string): string {
  return text.replaceAll(/\\([0-7]{3})/g, (_, digits: string) =>
    String.fromCodePoint(Number.parseInt(digits, 8)),
  );
}

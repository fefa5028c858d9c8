import type { FileAccess } from './process-starter.ts';

/**
 * What every confined program may use of the system: programs and libraries, and what the C library,
 * fontconfig, and the counting of cores read. Nothing in here is anybody's secret or of an upload.
 */
export const systemAccess: FileAccess = {
  execute: [
    // Not `/usr` as a whole: whole services live in `/usr/src` and `/usr/local`, with their data.
    ...['bin', 'sbin', 'lib', 'lib32', 'lib64', 'libexec', 'share'].map((name) => `/usr/${name}`),
    ...['bin', 'lib', 'lib64', 'share'].map((name) => `/usr/local/${name}`),
    '/bin',
    '/sbin',
    '/lib',
    '/lib32',
    '/lib64',
    '/nix/store',
    '/gnu/store',
  ],
  read: [
    // The dynamic linker.
    '/etc/ld.so.cache',
    '/etc/ld.so.conf',
    '/etc/ld-musl-x86_64.path',
    '/etc/ld-musl-aarch64.path',
    // Libraries of which a system has several, by links: `/etc/alternatives`.
    '/etc/alternatives',
    // Burned-in text.
    '/etc/fonts',
    '/var/cache/fontconfig',
    // Node and TLS libraries look at it when they are loaded.
    '/etc/ssl/openssl.cnf',
    '/etc/localtime',
    // How many cores there are, what they can do, how much memory.
    '/proc/cpuinfo',
    '/proc/meminfo',
    '/proc/stat',
    '/sys/devices/system/cpu',
    '/sys/devices/system/node',
    '/dev/urandom',
    '/dev/zero',
  ],
  change: [],
};

/** An access together with that of the system. */
export function withSystemAccess({ read, execute, change }: FileAccess): FileAccess {
  return {
    read: [...systemAccess.read, ...read],
    execute: [...systemAccess.execute, ...execute],
    change,
  };
}

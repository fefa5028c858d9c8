import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { importsOf, readFiles, root } from './source-files.ts';

const manifest = z
  .object({
    dependencies: z.record(z.string(), z.string()),
    devDependencies: z.record(z.string(), z.string()),
  })
  .parse(readJson('package.json'));

const lockedPackage = z.object({
  license: z.string().optional(),
  dev: z.boolean().optional(),
  resolved: z.string().optional(),
});

const lock = z
  .object({ packages: z.record(z.string(), lockedPackage) })
  .parse(readJson('package-lock.json'));

function readJson(path: string): unknown {
  return JSON.parse(readFileSync(join(root, path), 'utf8'));
}

describe('package.json', () => {
  test('pins every dependency to one exact version', () => {
    const all = Object.entries({ ...manifest.dependencies, ...manifest.devDependencies });
    expect(all.filter(([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))).toEqual([]);
  });

  test('lists every module that the sources import, and no other', () => {
    const imported = new Set(
      readFiles('src', /\.ts$/)
        .flatMap((file) => importsOf(file.text))
        .map(({ specifier }) => specifier)
        .filter((specifier) => !/^(\.|node:)/.test(specifier))
        .map((specifier) =>
          specifier
            .split('/')
            .slice(0, specifier.startsWith('@') ? 2 : 1)
            .join('/'),
        ),
    );
    const listed = new Set(Object.keys(manifest.dependencies));
    expect([...imported].filter((name) => !listed.has(name))).toEqual([]);
    const text = readFiles('src', /\.ts$/)
      .map((file) => file.text)
      .join('\n');
    // Some are only resolved by name: programs and models that lie in a package.
    expect([...listed].filter((name) => !imported.has(name) && !text.includes(name))).toEqual([]);
  });

  test('is justified, dependency by dependency, in src/README.md', () => {
    const map = readFileSync(join(root, 'src/README.md'), 'utf8');
    const names = Object.keys({ ...manifest.dependencies, ...manifest.devDependencies });
    expect(names.filter((name) => !map.includes(`\`${name}\``))).toEqual([]);
  });
});

/** Packages whose license field does not say it in the usual way, each with what it is. */
const knownLicenses: Readonly<Record<string, string>> = {
  '@ffmpeg-installer/': 'GPL: a program of its own, started as a process, never linked',
  '@ffprobe-installer/': 'GPL: likewise',
  async: 'MIT, in an older form of the field',
  busboy: 'MIT, likewise',
  rechoir: 'MIT, likewise',
  streamsearch: 'MIT, likewise',
};

describe('package-lock.json', () => {
  test('holds only licenses that an MIT product may ship with', () => {
    const fine =
      /^(MIT|MIT-0|ISC|BSD-2-Clause|BSD-3-Clause|0BSD|Apache-2\.0|LGPL-2\.1|BlueOak-1\.0\.0)$/;
    const unclear = Object.entries(lock.packages)
      .filter(([path, item]) => path !== '' && item.dev !== true && !fine.test(item.license ?? ''))
      .map(([path, item]) => `${path.split('node_modules/').at(-1)} ${item.license ?? 'none'}`)
      .filter((line) => !Object.keys(knownLicenses).some((name) => line.startsWith(name)));
    expect(unclear).toEqual([]);
  });

  test('names no registry, so that any mirror may serve an install', () => {
    const resolved = Object.values(lock.packages).filter((item) => item.resolved !== undefined);
    expect(resolved).toEqual([]);
  });
});

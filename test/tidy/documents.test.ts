import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { readFiles, root } from './source-files.ts';
import { readmePath, renderReadme } from './write-readme.ts';

const readme = readFileSync(readmePath, 'utf8');
const { scripts } = z
  .object({ scripts: z.record(z.string(), z.string()) })
  .parse(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')));

describe('the README', () => {
  test('shows the graph and the settings as they are in the code', async () => {
    // On a difference: node test/tidy/write-readme.ts
    expect(readme).toBe(await renderReadme(readme));
  });

  test('starts with two commands that need nothing before them', () => {
    const commands = [...readme.matchAll(/```sh\n([^`]*)```/g)].map((match) => match[1]?.trim());
    expect(commands.slice(0, 2)).toEqual(['npm ci && npm run demo', 'npm ci && npm test']);
  });
});

describe('the documents', () => {
  const documents = ['README.md', 'CHANGELOG.md'].map((path) => ({
    path,
    text: readFileSync(join(root, path), 'utf8'),
  }));
  const all = [
    ...documents,
    ...['src', 'test', 'pipelines'].flatMap((one) => readFiles(one, /\.md$/)),
  ];

  test('name only scripts that there are', () => {
    const named = all.flatMap(({ text }) =>
      [...text.matchAll(/npm (?:run ([\w:-]+)|(start|test)\b)/g)].map(
        (match) => match[1] ?? match[2],
      ),
    );
    expect([...new Set(named)].filter((name) => !Object.hasOwn(scripts, name ?? ''))).toEqual([]);
  });

  test('link only to files that there are', () => {
    const broken = all.flatMap(({ path, text }) =>
      [...text.matchAll(/\]\((?!https?:)([^)#]+)/g)]
        .map((match) => join(root, dirname(path), match[1] ?? ''))
        .filter((target) => !existsSync(target)),
    );
    expect(broken).toEqual([]);
  });

  test('list every folder of the sources', () => {
    const map = readFileSync(join(root, 'src/README.md'), 'utf8');
    const folders = new Set(readFiles('src', /\.ts$/).map(({ path }) => path.split('/')[1] ?? ''));
    expect([...folders].filter((folder) => !map.includes(`\`${folder}`))).toEqual([]);
  });
});

describe('the Dockerfile', () => {
  const dockerfile = readFileSync(join(root, 'Dockerfile'), 'utf8');
  const last = dockerfile.slice(dockerfile.lastIndexOf('\nFROM '));

  test('builds on the Node that the package asks for', () => {
    const images = [...dockerfile.matchAll(/^FROM (\S+)/gm)].map((match) => match[1]);
    expect(new Set(images)).toEqual(new Set(['node:24-bookworm-slim']));
  });

  test('runs as an ordinary user, with a health check, and gets signals itself', () => {
    expect(last).toMatch(/^USER 1000:1000$/m);
    expect(last).toMatch(/^HEALTHCHECK .*\\\n {2}CMD \["node"/m);
    expect(last).toMatch(/^ENTRYPOINT \["node", "dist\/main\.js"\]$/m);
    expect(last).not.toMatch(/npm (ci|install)/);
  });

  test('copies only what the context holds', () => {
    const ignore = readFileSync(join(root, '.dockerignore'), 'utf8').split('\n');
    const sources = [...dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap((match) =>
      (match[1] ?? '').split(' '),
    );
    expect(sources.length).toBeGreaterThan(3);
    expect(sources.filter((source) => !ignore.includes(`!${source.replace('./', '')}`))).toEqual(
      [],
    );
    expect(sources.filter((source) => !existsSync(join(root, source)))).toEqual([]);
  });
});

describe('the check of a clean checkout', () => {
  test('is a program, and stops at the first thing that goes wrong', () => {
    const path = join(root, '.ci/run');
    expect(statSync(path).mode & 0o111).not.toBe(0);
    expect(readFileSync(path, 'utf8')).toMatch(
      /^#!\/usr\/bin\/env bash\n(#.*\n)*set -euo pipefail\n/,
    );
  });

  test('uses scripts that there are', () => {
    const text = readFileSync(join(root, '.ci/run'), 'utf8');
    const used = [...text.matchAll(/^npm run ([\w:-]+)/gm)].map((match) => match[1] ?? '');
    expect(used.length).toBeGreaterThan(4);
    expect(used.filter((name) => !Object.hasOwn(scripts, name))).toEqual([]);
  });
});

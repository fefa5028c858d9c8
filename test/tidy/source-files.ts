import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';

/** The repository's root. */
export const root = join(import.meta.dirname, '..', '..');

/** A file of the repository with its text. */
export interface SourceFile {
  /** Relative to the root, with `/` between parts. */
  readonly path: string;
  readonly text: string;
}

/** An import line of a file. */
export interface ImportLine {
  /** What it names, as written. */
  readonly specifier: string;
  /** Whether only types are taken, so that nothing is left of it at run time. */
  readonly isTypeOnly: boolean;
}

/** Folders that hold no sources of this project. */
const foreignFolders = new Set(['node_modules', '.git', 'dist', 'data', '.data', 'coverage']);

/** All files below a folder of the repository whose name ends as asked, in order of their paths. */
export function readFiles(folder: string, ending: RegExp): readonly SourceFile[] {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && ending.test(entry.name))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .filter((path) => !path.split('/').some((part) => foreignFolders.has(part)))
    .sort()
    .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }));
}

/** The import and re-export lines of a module, dynamic imports with a literal included. */
export function importsOf(text: string): readonly ImportLine[] {
  const code = withoutComments(text);
  const statement = /^(?:import|export)\s+(type\s)?(?:[^'";]*?\sfrom\s+)?'([^']+)'/gm;
  const dynamic = /\bimport\(\s*'([^']+)'/g;
  return [
    ...[...code.matchAll(statement)].map((match) => ({
      specifier: match[2] ?? '',
      isTypeOnly: match[1] !== undefined,
    })),
    ...[...code.matchAll(dynamic)].map((match) => ({
      specifier: match[1] ?? '',
      isTypeOnly: false,
    })),
  ];
}

/** The code without its comments; line numbers stay. A `//` inside a string ends that line too. */
export function withoutComments(text: string): string {
  return text
    .replaceAll(/\/\*[\s\S]*?\*\//g, (comment) => comment.replaceAll(/[^\n]/g, ' '))
    .replaceAll(/(^|[^:'"`/\\])\/\/.*$/gm, '$1');
}

/** `path:line: text` for every line that a pattern matches. */
export function findLines(file: SourceFile, pattern: RegExp): readonly string[] {
  return file.text
    .split('\n')
    .flatMap((line, index) =>
      pattern.test(line) ? [`${file.path}:${index + 1}: ${line.trim()}`] : [],
    );
}

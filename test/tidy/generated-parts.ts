import { format, resolveConfig } from 'prettier';

/** A part of a document that follows from the code. */
export interface GeneratedPart {
  /** It stands between the lines `<!-- generated: MARK -->` and `<!-- end -->`. */
  readonly mark: string;
  /** With a line feed at its end. */
  readonly part: string;
}

/**
 * The document with its generated parts as given, in the project's layout.
 *
 * @throws Error when it has no place for a part.
 */
export async function fillDocument(
  path: string,
  text: string,
  parts: readonly GeneratedPart[],
): Promise<string> {
  const filled = parts.reduce((document, { mark, part }) => {
    const [start, end] = [`<!-- generated: ${mark} -->\n`, '<!-- end -->'];
    const from = document.indexOf(start);
    const to = document.indexOf(end, from);
    if (from === -1 || to === -1) throw new Error(`${path} has no place for: ${mark}`);
    return `${document.slice(0, from)}${start}\n${part}\n${document.slice(to)}`;
  }, text);
  return format(filled, { ...(await resolveConfig(path)), parser: 'markdown' });
}

/** A Markdown table; bars inside of cells are escaped. */
export function renderTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, head.map(() => '---'), ...rows].map(
    (cells) => `| ${cells.map((cell) => cell.replaceAll('|', String.raw`\|`)).join(' | ')} |\n`,
  );
  return lines.join('');
}

import type { ChildExit } from './child.ts';
import { commandText, describeEnd } from './command-text.ts';

/** What is known of a tool that ended badly. */
export interface ToolReport {
  readonly argv: readonly string[];
  readonly exit: ChildExit;
  /** The last of its standard error. */
  readonly stderr: string;
}

/** Lines of standard error that an operator gets to see; the cause is at the end or near it. */
const stderrLinesMax = 20;

/** Characters of them at most: a line may be anything that is in the file. */
const stderrDetailCharactersMax = 4000;

/** For the operator: the command to paste into a shell, how it ended, and its last lines. */
export function operatorDetail({ argv, exit, stderr }: ToolReport): string {
  const lines = stderr.trimEnd().split('\n').slice(-stderrLinesMax).join('\n');
  return [commandText(argv), describeEnd(exit), lines.slice(-stderrDetailCharactersMax)]
    .filter((part) => part !== '')
    .join('\n');
}

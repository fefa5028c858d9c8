import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describeSettings } from '../../src/config/setting-specs.ts';
import { loadSettings } from '../../src/config/load-settings.ts';
import { loadPipelines } from '../../src/load-pipelines.ts';
import { createPlan } from '../../src/pipeline/create-plan.ts';
import { toMermaid } from '../../src/pipeline/diagram.ts';
import { fillDocument, renderTable } from './generated-parts.ts';
import { root } from './source-files.ts';

/**
 * Fills in the parts of the README that follow from the code. A test compares; this writes:
 *
 *     node test/tidy/write-readme.ts
 */
export async function renderReadme(text: string): Promise<string> {
  return fillDocument(readmePath, text, [
    { mark: 'reelgraph graph standard --format mermaid', part: await renderGraph() },
    { mark: 'settings', part: renderSettings() },
  ]);
}

/** The README's path. */
export const readmePath = join(root, 'README.md');

async function renderGraph(): Promise<string> {
  const loaded = loadSettings({ flags: { pipelines: join(root, 'pipelines') }, env: {} });
  if (!loaded.ok) throw new Error(loaded.error.message);
  const library = await loadPipelines(loaded.value.settings);
  const pipeline = library.ok ? library.value.find('standard') : library;
  const plan = pipeline.ok ? createPlan(pipeline.value, {}) : pipeline;
  if (!plan.ok) throw new Error(plan.error.message);
  return `\`\`\`mermaid\n${toMermaid(plan.value)}\`\`\`\n`;
}

function renderSettings(): string {
  const rows = describeSettings().map((spec) => {
    const flag = `\`--${spec.flag}\``;
    const values = spec.placeholder.includes('|')
      ? ` ${spec.placeholder.split('|').join(', ')}.`
      : '';
    const fallback = spec.default === undefined ? '' : `\`${spec.default}\``;
    return [flag, `\`${spec.variable}\``, fallback, `${spec.description}${values}`];
  });
  return renderTable(['flag', 'environment', 'default', 'what it is'], rows);
}

if (process.argv[1] === import.meta.filename) {
  writeFileSync(readmePath, await renderReadme(readFileSync(readmePath, 'utf8')));
}

#!/usr/bin/env node
/**
 * The entry point. Nothing is imported statically: on a Node that is too old the modules would fail to
 * load, and the person would see a stack trace instead of a sentence.
 */

/** The oldest Node whose features are used: `node:sqlite` without a flag, `using`, type stripping. */
const nodeMajorMin = 24;

const nodeMajor = Number(process.versions.node.split('.')[0]);
if (nodeMajor < nodeMajorMin) {
  console.error(
    `Error: reelgraph needs Node ${nodeMajorMin} or later, and this is Node ${process.versions.node}. ` +
      'In a checkout, `npm run` uses the right one.',
  );
  process.exitCode = 1;
} else {
  const { start } = await import('./cli/start.ts');
  const { createApp } = await import('./app.ts');
  const { loadPipelines } = await import('./load-pipelines.ts');
  process.exitCode = await start(process, { startApp: createApp, loadPipelines });
}
